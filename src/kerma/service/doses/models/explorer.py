"""Views of the explorer somebody wants to come back to."""

from __future__ import annotations

from django.db import models


class SavedView(models.Model):
    """An address of the explorer under a name: its filters, groups and charts."""

    name = models.CharField(max_length=120)
    query = models.CharField(max_length=2000)
    owner = models.ForeignKey("people.Person", on_delete=models.CASCADE, related_name="dose_views")
    shared = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once")]

    def __str__(self) -> str:
        return self.name
