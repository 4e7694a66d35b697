"""One table for the tasks to write, read, miss and lock."""

from django.db import models


class Order(models.Model):
    """An order with a counter that tasks raise; two rows are enough for a real deadlock."""

    name = models.CharField(max_length=100, unique=True)
    paid_times = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name
