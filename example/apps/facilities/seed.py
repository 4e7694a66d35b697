"""The company's starting data: the same rows in the same order for the same seed."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from apps.facilities.models import (
    Asset,
    BusinessUnit,
    Customer,
    Invoice,
    Notification,
    PartStock,
    Payment,
    Sensor,
    SensorReading,
    Site,
    Technician,
    Tier,
    WorkOrder,
)

UNITS = (("north", "Facilities North"), ("south", "Facilities South"), ("west", "Facilities West"))
# name, tier, and its sites as (name, city, square metres); one list per business unit
CUSTOMERS = {
    "north": (
        (
            "Aurora Hospital Group",
            Tier.ENTERPRISE,
            (("Main Campus", "Kiel", 60_000), ("Day Clinic", "Kiel", 4_000)),
        ),
        ("Fjord Logistics", Tier.PREMIUM, (("Warehouse 4", "Hamburg", 9_000),)),
        ("Linden Primary School", Tier.STANDARD, (("School House", "Bremen", 3_500),)),
        ("Corner Bakery", Tier.BASIC, (("Shop", "Bremen", 2_500),)),
    ),
    "south": (
        (
            "Meridian Airport",
            Tier.ENTERPRISE,
            (("Terminal 1", "Munich", 20_000), ("Cargo Hall", "Munich", 8_000)),
        ),
        ("Alpine Hotels", Tier.PREMIUM, (("Hotel Edelweiss", "Garmisch", 7_000),)),
        ("Valley Library", Tier.STANDARD, (("Reading House", "Ulm", 2_800),)),
        ("Riverside Gym", Tier.BASIC, (("Gym", "Passau", 2_500),)),
    ),
    "west": (
        (
            "Rhine Data Centres",
            Tier.ENTERPRISE,
            (("Hall A", "Cologne", 12_000), ("Hall B", "Cologne", 12_000)),
        ),
        ("Westpark Retail", Tier.PREMIUM, (("Mall", "Essen", 15_000),)),
        ("Chamber Orchestra", Tier.STANDARD, (("Concert Hall", "Bonn", 5_000),)),
        ("Tailor Shop", Tier.BASIC, (("Workshop", "Aachen", 2_500),)),
    ),
}
TECHNICIANS = ("Ada Brandt", "Ben Okafor", "Chiara Russo", "Deniz Kaya")
ASSET_KINDS = ("boiler", "lift", "chiller", "ventilation", "sprinkler pump")
PARTS = ("filter", "pump seal", "fan belt")
JOBS = ("Inspect {}", "Repair {}", "Replace parts of {}", "Noise from {}")
ALARM_AT = {
    Sensor.Kind.TEMPERATURE: 80.0,
    Sensor.Kind.SMOKE: 0.6,
    Sensor.Kind.GAS: 0.4,
    Sensor.Kind.WATER: 0.8,
}
ASSETS_PER_SITE = 6
ORDERS_PER_SITE = 4
INVOICES_PER_CUSTOMER = 8
READINGS_PER_SENSOR = 5


@transaction.atomic
def fill(now: datetime, seed: int = 1) -> int:
    """Create the company in an empty database and return the number of rows; 0 when there is one already.

    Args:
        now: the moment all other times are counted from; an aware datetime.
        seed: chooses the amounts, hours and values. Names and numbers of rows are always the same.
    """
    if BusinessUnit.objects.exists():
        return 0
    rng = random.Random(seed)
    for code, name in UNITS:
        unit = BusinessUnit.objects.create(code=code, name=name)
        technicians = _technicians(unit, rng)
        for customer_name, tier, sites in CUSTOMERS[code]:
            email = f"office@{customer_name.lower().replace(' ', '-')}.example"
            customer = Customer.objects.create(business_unit=unit, name=customer_name, email=email, tier=tier)
            for site_name, city, area in sites:
                site = Site.objects.create(
                    customer=customer, name=site_name, city=city, area_square_metres=area
                )
                _equip(site, now, rng)
                _work(site, technicians, now, rng)
            _bill(customer, now.date(), rng)
    models = (BusinessUnit, Customer, Site, Technician, Asset, Sensor, SensorReading, PartStock, WorkOrder)
    return sum(model.objects.count() for model in (*models, Notification, Invoice, Payment))


def _technicians(unit: BusinessUnit, rng: random.Random) -> list[Technician]:
    return [
        Technician.objects.create(
            business_unit=unit,
            name=name,
            email=f"{name.split()[0].lower()}.{unit.code}@facilities.example",
            hourly_rate=Decimal(rng.randrange(3800, 6200)) / 100,
        )
        for name in TECHNICIANS
    ]


def _equip(site: Site, now: datetime, rng: random.Random) -> None:
    for number in range(ASSETS_PER_SITE):
        kind = ASSET_KINDS[number % len(ASSET_KINDS)]
        Asset.objects.create(
            site=site, kind=kind, serial=f"S{site.pk:03}-{number:02}", health=rng.randrange(60, 101)
        )
    asset = site.assets.order_by("pk")[0]
    kind = list(Sensor.Kind)[site.pk % len(Sensor.Kind)]
    sensor = Sensor.objects.create(
        asset=asset, kind=kind, device_id=f"{kind.value}-{site.pk:03}", alarm_at=ALARM_AT[kind]
    )
    SensorReading.objects.bulk_create(
        SensorReading(
            sensor=sensor,
            value=round(rng.uniform(0.1, 0.9) * sensor.alarm_at, 3),
            taken_at=now - timedelta(days=10 * age),
        )
        for age in range(READINGS_PER_SENSOR)
    )
    PartStock.objects.bulk_create(
        PartStock(site=site, part=part, quantity=rng.randrange(200, 400)) for part in PARTS
    )


def _work(site: Site, technicians: list[Technician], now: datetime, rng: random.Random) -> None:
    # The last technician of a unit is new: no job completed yet, which one report does not expect.
    experienced = technicians[:-1]
    assets = list(site.assets.order_by("pk"))
    for number in range(ORDERS_PER_SITE):
        asset, opened_at = rng.choice(assets), now - timedelta(hours=rng.randrange(2, 200))
        order = WorkOrder(
            site=site,
            asset=asset,
            title=rng.choice(JOBS).format(asset.kind),
            opened_at=opened_at,
            due_at=opened_at + timedelta(hours=24),
        )
        if number % 2 == 0:
            order.status = WorkOrder.Status.COMPLETED
            order.technician = rng.choice(experienced)
            order.hours = Decimal(rng.randrange(2, 17)) / 2
            order.completed_at = opened_at + timedelta(hours=float(order.hours))
        order.save()


def _bill(customer: Customer, today: date, rng: random.Random) -> None:
    for number in range(INVOICES_PER_CUSTOMER):
        invoice = Invoice.objects.create(
            customer=customer,
            number=f"INV-{customer.pk:03}-{number:02}",
            amount=Decimal(rng.randrange(9_000, 900_000)) / 100,
            due_on=today + timedelta(days=rng.randrange(-10, 30)),
        )
        if number == 0:
            invoice.status = Invoice.Status.PAID
            invoice.save(update_fields=["status"])
            Payment.objects.create(
                invoice=invoice, amount=invoice.amount, reference=f"ch_seed_{invoice.pk:05}"
            )
