"""Celery as we call it: send a stored message again, ask how long a queue is."""
