"""Optimisation projects: what was changed, and the doses before and after."""

from __future__ import annotations

from django.db import models

from kerma.service.doses.models.levels import QUANTITIES
from kerma.service.records.sealing import sealed


@sealed
class Project(models.Model):
    """A change made to lower or to justify dose, evaluated by the doses before and after it."""

    STATES = [("open", "Open"), ("evaluated", "Evaluated"), ("closed", "Closed")]

    title = models.CharField(max_length=200)
    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="dose_projects"
    )
    system = models.ForeignKey(
        "estate.System", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    standard = models.ForeignKey("doses.StandardName", on_delete=models.PROTECT, related_name="+")
    quantity = models.CharField(max_length=12, choices=QUANTITIES)
    aim = models.CharField(max_length=600)
    change = models.CharField(max_length=1000, blank=True)
    before_since = models.DateField()
    changed_on = models.DateField()
    after_until = models.DateField(null=True, blank=True)
    image_quality = models.CharField(
        max_length=600, blank=True, help_text="how it was made sure that images still serve"
    )
    state = models.CharField(max_length=10, choices=STATES, default="open")
    result = models.JSONField(default=dict)
    opened_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title
