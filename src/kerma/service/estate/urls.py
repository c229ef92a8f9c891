"""Addresses of estate."""

urlpatterns: list[object] = []
