"""Documented paths of models. None is defined here: a second class would be a second table."""
