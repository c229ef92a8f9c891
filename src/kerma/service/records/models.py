"""Signatures, issues, actions, attachments, verifications and the event log.

No other app invents its own. Rows here are written once; what changes is added.
"""

from __future__ import annotations

from django.db import models

from kerma.service.records.sealing import sealed


class AppendOnly(models.Model):
    """A row that may be added and never changed or removed through the application."""

    class Meta:
        abstract = True

    def save(self, *args: object, **kwargs: object) -> None:
        """Write a new row; refuse to overwrite."""
        if self.pk and type(self)._default_manager.filter(pk=self.pk).exists():
            raise TypeError(f"{type(self).__name__} rows are append-only")
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise TypeError(f"{type(self).__name__} rows are append-only")


class Event(AppendOnly):
    """One entry of the event log; each carries the hash of the one before it."""

    at = models.DateTimeField()
    actor = models.ForeignKey(
        "people.Person", null=True, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=80, db_index=True, help_text="for example survey:12")
    text = models.CharField(max_length=400)
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


@sealed
class Attachment(AppendOnly):
    """A file kept by its content."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        "people.Person", null=True, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return self.name


@sealed
class Signature(AppendOnly):
    """Who signed what content, in what capacity, when, and what the signature means."""

    MEANINGS = [(m, m) for m in ("performed", "checked", "approved", "advised", "verified")]

    subject = models.CharField(max_length=80, db_index=True)
    meaning = models.CharField(max_length=20, choices=MEANINGS)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="signatures")
    capacity = models.JSONField(help_text="titles and credentials as they stood at signing")
    rule = models.CharField(max_length=80)
    content_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    comment = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.meaning} by {self.person}"


@sealed
class Report(models.Model):
    """A numbered report; what readers hold is one of its issues."""

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=30)
    title = models.CharField(max_length=240)
    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="reports"
    )
    system = models.ForeignKey(
        "estate.System", null=True, on_delete=models.PROTECT, related_name="reports"
    )

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return self.number


@sealed
class Issue(AppendOnly):
    """One immutable issue of a report."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="issues")
    number = models.PositiveSmallIntegerField()
    subject = models.CharField(max_length=80, db_index=True)
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    document = models.ForeignKey(Attachment, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    supersedes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ["report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="issue_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.report.number} issue {self.number}"


@sealed
class Action(models.Model):
    """What must be done, by whom, by when; its history is in `ActionEntry` and the event log."""

    PRIORITIES = [
        (1, "Urgent"),
        (2, "High"),
        (3, "Routine"),
    ]
    STATUS = [("open", "Open"), ("done", "Done, to be checked"), ("closed", "Closed")]

    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="actions"
    )
    system = models.ForeignKey(
        "estate.System", null=True, blank=True, on_delete=models.PROTECT, related_name="actions"
    )
    issue = models.ForeignKey(
        Issue, null=True, blank=True, on_delete=models.PROTECT, related_name="actions"
    )
    test_id = models.CharField(max_length=80, blank=True)
    text = models.CharField(max_length=400)
    priority = models.PositiveSmallIntegerField(choices=PRIORITIES, default=3)
    owner = models.CharField(max_length=120)
    due = models.DateField()
    status = models.CharField(max_length=10, choices=STATUS, default="open")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        "people.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["priority", "due", "id"]

    def __str__(self) -> str:
        return self.text


@sealed
class ActionEntry(AppendOnly):
    """A response to an action: words, and evidence where there is some."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=1000)
    status = models.CharField(max_length=10, choices=Action.STATUS)
    evidence = models.ForeignKey(
        Attachment, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


@sealed
class Verification(AppendOnly):
    """An MPE's or RPA's statement that a reference row agrees with the named document."""

    row = models.CharField(max_length=160, db_index=True)
    sha256 = models.CharField(max_length=64, help_text="content of the row that was verified")
    document = models.CharField(max_length=300)
    edition = models.CharField(max_length=80)
    clause = models.CharField(max_length=120, blank=True)
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn = models.BooleanField(
        default=False, help_text="a later row that withdraws the verification"
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.row


@sealed
class Paper(models.Model):
    """A paper of any room on its way to issue: a dose audit, a shielding design, a calculation.

    What it says is in its drafts; the room that wrote it is `subject`.
    """

    STATES = [
        ("draft", "Draft"),
        ("in_review", "In review"),
        ("issued", "Issued"),
        ("superseded", "Superseded"),
        ("withdrawn", "Withdrawn"),
    ]

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="papers")
    work = models.CharField(max_length=40, help_text="kind of work in the authority rules")
    subject = models.CharField(max_length=80, db_index=True, help_text="for example audit:12")
    state = models.CharField(max_length=12, choices=STATES, default="draft", db_index=True)
    author = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="papers")
    modality = models.CharField(max_length=40, blank=True)
    checked = models.BooleanField(default=False)
    return_comment = models.CharField(max_length=1000, blank=True)
    amends = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="amended_by"
    )
    amend_reason = models.CharField(max_length=400, blank=True)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.report.number} {self.report.title}"


@sealed
class PaperDraft(AppendOnly):
    """The content of a paper as composed at one moment; its hash is what people sign."""

    paper = models.ForeignKey(Paper, on_delete=models.PROTECT, related_name="drafts")
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"draft of {self.paper.report.number}"
