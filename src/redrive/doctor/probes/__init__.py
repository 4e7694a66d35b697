"""Thin looks at the world: each asks one thing, bounded in time, and gives the facts of it or ``Away``.

No probe judges, and none changes anything: no key, row or queue is made or removed.
"""
