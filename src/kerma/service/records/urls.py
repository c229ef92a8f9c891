"""Addresses of records."""

urlpatterns: list[object] = []
