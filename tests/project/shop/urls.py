"""The documented URLs: Redrive's pages before the admin."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    *([] if settings.PLAIN else [path("admin/tasks/", include("redrive.urls"))]),
    path("admin/", admin.site.urls),
]
