"""The process that makes waiting tasks run.

It publishes due records, drains the spill of its machine, vouches for the worker it was started by, finds attempts
whose worker is gone, samples queues, writes down what the fleet has learnt, and deletes what is old. Any number may
run: due rows are claimed one by one, periodic duties are leases, and there is no leader to lose.
"""

from redrive.keeper.keeper import Keeper

__all__ = ["Keeper"]
