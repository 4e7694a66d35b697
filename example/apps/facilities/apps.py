from django.apps import AppConfig


class FacilitiesConfig(AppConfig):
    """The company's own app; it knows nothing of Redrive except the options its tasks declare."""

    name = "apps.facilities"
    label = "facilities"
    verbose_name = "Facility management"
