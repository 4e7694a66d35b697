"""The documented import paths: every module re-exports names of `redrive` and holds no logic of its own."""
