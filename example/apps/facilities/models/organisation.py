"""Who works for whom: business units, their customers and technicians, the customers' sites."""

from django.db import models


class Tier(models.TextChoices):
    """The service level a customer pays for; decides how soon its tasks have to be done."""

    ENTERPRISE = "enterprise"
    PREMIUM = "premium"
    STANDARD = "standard"
    BASIC = "basic"


class BusinessUnit(models.Model):
    """A regional company of the group; failures are kept apart by its `code`."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Someone whose buildings are looked after."""

    business_unit = models.ForeignKey(BusinessUnit, on_delete=models.PROTECT, related_name="customers")
    name = models.CharField(max_length=120)
    email = models.EmailField()
    tier = models.CharField(max_length=12, choices=Tier, default=Tier.STANDARD)

    def __str__(self) -> str:
        return f"{self.name} ({self.tier})"


class Site(models.Model):
    """A building or a campus."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=120)
    city = models.CharField(max_length=60)
    area_square_metres = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.name}, {self.city}"


class Technician(models.Model):
    """Someone who goes there and repairs it."""

    business_unit = models.ForeignKey(BusinessUnit, on_delete=models.PROTECT, related_name="technicians")
    name = models.CharField(max_length=80)
    email = models.EmailField()
    hourly_rate = models.DecimalField(max_digits=6, decimal_places=2)

    def __str__(self) -> str:
        return self.name
