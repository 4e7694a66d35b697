"""URLs of the reference project: the documented names first, then the package's own, then Django's admin."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    # Everything below /admin/ that is not Django's own has to come before it: the admin answers every path it is given.
    path("admin/", include("apps.core.urls_admin")),
    path("admin/tasks/", include("redrive.urls")),
    path("admin/", admin.site.urls),
]
