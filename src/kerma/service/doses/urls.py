"""Addresses of doses."""

urlpatterns: list[object] = []
