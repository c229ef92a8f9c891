"""Addresses of instruments."""

urlpatterns: list[object] = []
