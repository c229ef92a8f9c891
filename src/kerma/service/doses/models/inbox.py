"""Where dose reports come from by themselves, and what came."""

from __future__ import annotations

from django.db import models


class Source(models.Model):
    """A PACS that is asked, or an Orthanc that is emptied."""

    KINDS = [("pacs", "PACS (query and retrieve)"), ("orthanc", "Orthanc")]

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=8, choices=KINDS)
    settings = models.JSONField(help_text="address, titles, what to ask for")
    active = models.BooleanField(default=True)
    added_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Fetch(models.Model):
    """One time a source was asked."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="fetches")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    query = models.JSONField(default=dict)
    found = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    trouble = models.CharField(max_length=600, blank=True)

    class Meta:
        ordering = ["-began_at"]
        verbose_name_plural = "fetches"

    def __str__(self) -> str:
        return f"{self.source} {self.began_at:%Y-%m-%d %H:%M}"


class SizeImport(models.Model):
    """Heights and masses of patients taken from a file or a message."""

    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    rows = models.PositiveIntegerField()
    matched = models.PositiveIntegerField()
    refused = models.JSONField(default=list)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.name
