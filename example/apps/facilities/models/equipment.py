"""What stands in the buildings: assets, the sensors on them, spare parts."""

from django.db import models

from apps.facilities.models.organisation import Site


class Asset(models.Model):
    """A boiler, a lift, a chiller: something that is maintained."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="assets")
    kind = models.CharField(max_length=40)
    serial = models.CharField(max_length=40, unique=True)
    health = models.PositiveSmallIntegerField(default=100, help_text="0 (broken) to 100 (as new)")

    def __str__(self) -> str:
        return f"{self.kind} {self.serial}"


class Sensor(models.Model):
    """A device known to the sensor hub under `device_id`."""

    class Kind(models.TextChoices):
        TEMPERATURE = "temperature"
        SMOKE = "smoke"
        GAS = "gas"
        WATER = "water"

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="sensors")
    kind = models.CharField(max_length=12, choices=Kind)
    device_id = models.CharField(max_length=40, unique=True)
    alarm_at = models.FloatField(help_text="A reading of this value or above is an alarm")

    def __str__(self) -> str:
        return self.device_id


class SensorReading(models.Model):
    """One measured value."""

    sensor = models.ForeignKey(Sensor, on_delete=models.CASCADE, related_name="readings")
    value = models.FloatField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sensor", "taken_at"], name="one_reading_per_moment")]
        indexes = [models.Index(fields=["taken_at"])]

    def __str__(self) -> str:
        return f"{self.sensor} {self.value} at {self.taken_at:%H:%M:%S}"


class PartStock(models.Model):
    """How many of a spare part lie at a site."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="stock")
    part = models.CharField(max_length=40)
    quantity = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "part"], name="one_stock_per_part")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.part} at {self.site}"
