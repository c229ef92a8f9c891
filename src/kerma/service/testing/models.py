"""Surveys: what was planned, read, imaged, computed and decided.

Readings, notes, analyses and results are append-only: a changed value is a new row and the old
one is struck with a reason. The event log carries the hash of every row here as it now stands.
"""

from __future__ import annotations

from django.db import models

from kerma.service.records.sealing import sealed

PURPOSES = [
    ("critical_exam", "Critical examination"),
    ("acceptance", "Acceptance"),
    ("commissioning", "Commissioning"),
    ("routine_a", "Routine, level A"),
    ("routine", "Routine, level B"),
    ("after_repair", "After repair"),
]
STATES = [
    ("planned", "Planned"),
    ("in_progress", "In progress"),
    ("measured", "Measured"),
    ("drafted", "Drafted"),
    ("in_review", "In review"),
    ("issued", "Issued"),
    ("superseded", "Superseded"),
]
RECOMMENDATIONS = [
    ("use", "Suitable for clinical use"),
    ("conditions", "Suitable for clinical use with conditions"),
    ("do_not_use", "Not to be used clinically"),
]


@sealed
class Survey(models.Model):
    """One protocol carried out on one system for one purpose."""

    system = models.ForeignKey("estate.System", on_delete=models.PROTECT, related_name="surveys")
    protocol = models.CharField(max_length=60)
    protocol_version = models.PositiveSmallIntegerField()
    protocol_sha256 = models.CharField(max_length=64)
    protocol_text = models.TextField()
    purpose = models.CharField(max_length=20, choices=PURPOSES)
    state = models.CharField(max_length=20, choices=STATES, default="planned", db_index=True)
    planned_for = models.DateField()
    performed_on = models.DateField(null=True, blank=True)
    performer = models.ForeignKey(
        "people.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="surveys"
    )
    recommendation = models.CharField(max_length=20, choices=RECOMMENDATIONS, blank=True)
    summary = models.TextField(blank=True)
    return_comment = models.CharField(max_length=1000, blank=True)
    proposals = models.JSONField(
        default=dict, blank=True, help_text="by test: action, priority, owner, due"
    )
    extra_tests = models.JSONField(
        default=list, blank=True, help_text="tests off by default, wanted this time"
    )
    checked = models.BooleanField(default=False)
    amends = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="amended_by"
    )
    amend_reason = models.CharField(max_length=400, blank=True)
    retest_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="retests"
    )

    class Meta:
        ordering = ["-planned_for", "-id"]
        indexes = [models.Index(fields=["system", "state", "performed_on"])]

    def __str__(self) -> str:
        return f"{self.system} · {self.get_purpose_display()} · {self.planned_for}"

    @property
    def editable(self) -> bool:
        """Whether readings may still be added or struck."""
        return self.state in ("planned", "in_progress")


@sealed
class SurveyInstrument(models.Model):
    """Which instrument plays a part named in the protocol, with the certificate in force."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="instruments")
    part = models.CharField(max_length=40)
    instrument = models.ForeignKey("instruments.Instrument", on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "part"], name="one_instrument_a_part")
        ]

    def __str__(self) -> str:
        return f"{self.part}: {self.instrument}"


@sealed
class Reading(models.Model):
    """One measured value, as typed and as corrected."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="readings")
    reading = models.CharField(max_length=60)
    index = models.PositiveSmallIntegerField(default=0)
    text = models.CharField(max_length=60, help_text="what was typed")
    indicated = models.FloatField()
    unit = models.CharField(max_length=40)
    factor = models.FloatField(default=1.0)
    value = models.FloatField(help_text="indicated × factor")
    u = models.FloatField(null=True, help_text="standard uncertainty of value")
    instrument = models.ForeignKey(
        "instruments.Instrument", null=True, on_delete=models.PROTECT, related_name="readings"
    )
    certificate = models.ForeignKey(
        "instruments.Certificate", null=True, on_delete=models.PROTECT, related_name="readings"
    )
    source = models.CharField(max_length=120, default="typed")
    entered_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    struck_at = models.DateTimeField(null=True)
    struck_by = models.ForeignKey(
        "people.Person", null=True, on_delete=models.PROTECT, related_name="+"
    )
    struck_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["reading", "index", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "reading", "index"],
                condition=models.Q(struck_at__isnull=True),
                name="one_live_reading",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reading}[{self.index}] = {self.indicated:g} {self.unit}".removesuffix(" 1")


@sealed
class Note(models.Model):
    """Why a test was not done, does not apply, or was accepted by a person."""

    KINDS = [
        ("not done", "Not done"),
        ("not applicable", "Not applicable"),
        ("decision", "Decision"),
        ("comment", "Comment"),
    ]

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="notes")
    test = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=KINDS)
    reason = models.CharField(max_length=400)
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.test}: {self.kind}"


@sealed
class SurveyImage(models.Model):
    """An image attached to a slot of the protocol."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="images")
    slot = models.CharField(max_length=60)
    attachment = models.ForeignKey("records.Attachment", on_delete=models.PROTECT)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["slot", "id"]

    def __str__(self) -> str:
        return f"{self.slot}: {self.attachment}"


@sealed
class ImageAnalysis(models.Model):
    """The record of one image measurement; a correction is a new record naming the old one."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="analyses")
    slot = models.CharField(max_length=60)
    analysis = models.CharField(max_length=60, help_text="id in the protocol")
    name = models.CharField(max_length=60, help_text="name of the measurement")
    status = models.CharField(max_length=20)
    message = models.CharField(max_length=600, blank=True)
    record = models.JSONField(default=dict)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=400, blank=True)
    replaces = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="replaced_by"
    )

    class Meta:
        ordering = ["slot", "id"]

    def __str__(self) -> str:
        return f"{self.analysis} ({self.status})"


@sealed
class Result(models.Model):
    """A judged value, frozen when the survey was handed over as measured."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="results")
    test = models.CharField(max_length=80)
    title = models.CharField(max_length=160)
    section = models.CharField(max_length=80)
    order = models.PositiveSmallIntegerField()
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=40)
    u = models.FloatField(null=True)
    verdict = models.CharField(max_length=20, db_index=True)
    record = models.JSONField(help_text="inputs, formula, judgement, levels as applied")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["survey", "order"]
        indexes = [models.Index(fields=["test", "withdrawn_at"])]

    def __str__(self) -> str:
        return f"{self.test}: {self.verdict}"


@sealed
class Draft(models.Model):
    """The content of a report as composed; the content people sign is exactly this."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="drafts")
    report = models.ForeignKey("records.Report", on_delete=models.PROTECT, related_name="drafts")
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["survey", "-id"]

    def __str__(self) -> str:
        return f"{self.report} draft {self.pk}"


@sealed
class Baseline(models.Model):
    """A signed act: from this day, this value is what later ones are compared with."""

    system = models.ForeignKey("estate.System", on_delete=models.PROTECT, related_name="baselines")
    test = models.CharField(max_length=80)
    value = models.FloatField()
    unit = models.CharField(max_length=40)
    u = models.FloatField(null=True)
    valid_from = models.DateField()
    reason = models.CharField(max_length=300)
    components = models.JSONField(default=list, help_text="kinds of component it depends on")
    result = models.ForeignKey(Result, null=True, on_delete=models.PROTECT, related_name="+")
    set_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ended_on = models.DateField(null=True)
    ended_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["system", "test", "-valid_from", "-id"]

    def __str__(self) -> str:
        return f"{self.test}: {self.value} {self.unit}"


@sealed
class Contact(models.Model):
    """Who at the hospital was told of a suspension-level result, by whom, when and how."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="contacts")
    told = models.CharField(max_length=160)
    how = models.CharField(max_length=80)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=400)

    def __str__(self) -> str:
        return f"{self.told}, {self.at}"
