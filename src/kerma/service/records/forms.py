"""Forms of reports, actions, verification and the log."""

from __future__ import annotations

from typing import Any

from django import forms

from kerma.service.records.models import Action
from kerma.service.web.form_page import DayInput

LARGEST_FILE = 20 * 2**20  # bytes; photographs and engineers' reports are far smaller

Choices = list[tuple[str, str]]


class IssueFilter(forms.Form):
    """Narrow the list of issued reports."""

    q = forms.CharField(label="Number, system, site, person", required=False)
    employer = forms.ChoiceField(required=False)
    state = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), ("current", "Current"), ("superseded", "Superseded")],
    )

    def __init__(self, *args: Any, employers: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["employer"].choices = [("", "Any"), *employers]
        if len(employers) < 2:
            del self.fields["employer"]


class ActionFilter(forms.Form):
    """Narrow the list of actions."""

    q = forms.CharField(label="Words, owner, system, report", required=False)
    status = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Any"), ("open", "Not closed"), ("done", "Done, to be checked"),
                 ("closed", "Closed")],
    )  # fmt: skip
    priority = forms.ChoiceField(required=False, choices=[("", "Any"), *Action.PRIORITIES])
    employer = forms.ChoiceField(required=False)
    overdue = forms.BooleanField(label="Overdue", required=False)
    asset = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, employers: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["employer"].choices = [("", "Any"), *employers]
        if len(employers) < 2:
            del self.fields["employer"]


class ResponseForm(forms.Form):
    """A response to an action, with evidence where there is some."""

    text = forms.CharField(
        label="What was done or found", max_length=1000, widget=forms.Textarea({"rows": 4})
    )
    status = forms.ChoiceField(label="After this the action is", widget=forms.RadioSelect)
    evidence = forms.FileField(
        required=False,
        label="Evidence",
        help_text="An engineer’s report, a photograph, an e-mail. At most 20 MB.",
    )

    def __init__(self, *args: Any, may_close: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = ("open", "done", "closed") if may_close else ("open", "done")
        words = {"open": "still open", "done": "done, to be checked by physics", "closed": "closed"}
        self.fields["status"].choices = [(key, words[key]) for key in allowed]
        self.fields["status"].initial = "open"

    def clean_evidence(self) -> Any:
        """Refuse a file nobody could store for ten years."""
        file = self.cleaned_data["evidence"]
        if file and file.size > LARGEST_FILE:
            raise forms.ValidationError("This file is larger than 20 MB. Make it smaller.")
        return file


class RowFilter(forms.Form):
    """Narrow the rows of a data set."""

    q = forms.CharField(label="Words", required=False)
    confidence = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), ("seen", "Seen"), ("recalled", "Recalled"), ("computed", "Computed")],
    )
    state = forms.ChoiceField(
        label="Verified",
        required=False,
        choices=[("", "Any"), ("verified", "Verified"), ("unverified", "Not verified")],
    )
    used = forms.BooleanField(label="In use by a protocol", required=False)


class VerificationForm(forms.Form):
    """The document a row was compared with."""

    document = forms.CharField(
        max_length=300, help_text="As on its title page, with the body that published it."
    )
    edition = forms.CharField(max_length=80, label="Edition or year")
    clause = forms.CharField(max_length=120, required=False, label="Clause, table or page")


class LogFilter(forms.Form):
    """Search the event log."""

    q = forms.CharField(label="Words, subject or person", required=False)
    kind = forms.CharField(label="Kind begins with", required=False)
    since = forms.DateField(label="From", required=False, widget=DayInput)
    until = forms.DateField(label="To", required=False, widget=DayInput)
