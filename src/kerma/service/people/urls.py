"""Addresses of people."""

urlpatterns: list[object] = []
