"""Names of examinations: what a hospital writes in its headers, and the standard name it means."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


class StandardName(models.Model):
    """A standard name of an examination, as reference levels use it."""

    key = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=160)
    modality = models.CharField(max_length=16, db_index=True)
    region = models.CharField(max_length=60, blank=True)
    indication = models.CharField(max_length=160, blank=True)
    levels = models.JSONField(
        default=list, help_text="rows of national reference levels that are for this name"
    )
    retired = models.BooleanField(default=False)

    class Meta:
        ordering = ["modality", "title"]

    def __str__(self) -> str:
        return self.title


class NameRule(models.Model):
    """One way a device or a hospital writes an examination; counts once it is published."""

    FIELDS = [
        ("description", "Study description"),
        ("requested", "Requested procedure"),
        ("code", "Procedure code"),
        ("protocol", "Protocol of an event"),
    ]
    HOW = [("is", "is"), ("contains", "contains the words")]

    standard = models.ForeignKey(StandardName, on_delete=models.PROTECT, related_name="rules")
    modality = models.CharField(max_length=16)
    field = models.CharField(max_length=12, choices=FIELDS, default="description")
    how = models.CharField(max_length=8, choices=HOW, default="is")
    text = models.CharField(max_length=200)
    added_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["modality", "field", "text"]

    def __str__(self) -> str:
        return f"{self.get_field_display()} {self.how} “{self.text}”"


@sealed
class NamingVersion(AppendOnly):
    """The rules as published at one moment; studies say by which version they were named."""

    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField()
    rules_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=400)
    named = models.PositiveIntegerField(help_text="studies named by it when it was published")

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"naming version {self.number}"
