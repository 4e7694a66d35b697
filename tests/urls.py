"""URLs of the web tests: the pages as a host mounts them, before the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/tasks/", include("redrive.urls")),
    path("admin/", admin.site.urls),
]
