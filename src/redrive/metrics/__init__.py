"""Counts of what happens, summed in the process and handed on in batches.

A succeeding task costs a dictionary update and nothing else. Batches leave the process through the spill and become
hourly rows (``Stat``) when a keeper drains it, so no worker opens a connection to count.
"""

from redrive.metrics.counters import Counters
from redrive.metrics.duplicates import CHECK, ELSEWHERE, HIT, Checks, label_of, read_label, sum_by, total
from redrive.metrics.types import DRAINED, SPILL, CounterKey, CounterTotals, bucket_of

__all__ = [
    "CHECK",
    "DRAINED",
    "ELSEWHERE",
    "HIT",
    "SPILL",
    "Checks",
    "CounterKey",
    "CounterTotals",
    "Counters",
    "bucket_of",
    "label_of",
    "read_label",
    "sum_by",
    "total",
]
