"""Form fields with label, hint and error, and the summary that links to them."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm, BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.forms.widgets import ClearableFileInput, FileInput
from django.template import Context

from kerma.service.web.components.library import register


def _described(field: BoundField) -> str:
    names = [f"{field.auto_id}-hint"] if field.help_text else []
    if field.errors:
        names.append(f"{field.auto_id}-error")
    return " ".join(names)


def _shape(field: BoundField) -> str:
    widget = field.field.widget
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return "group"
    if isinstance(widget, CheckboxInput):
        return "check"
    return "line"


@register.inclusion_tag("web/parts/field.html")
def field(bound: BoundField, label: str = "", unit: str = "", wide: bool = False) -> dict[str, Any]:
    """Draw one form field; hint and error are tied to it for screen readers.

    Parameters
    ----------
    bound
        The form's field.
    label
        In place of the field's own.
    unit
        Shown after the input.
    wide
        Lets the field take the whole row.

    """
    attrs: dict[str, Any] = {}
    if not bound.is_hidden:
        # Django adds aria-describedby itself, under other names; one of the two is enough.
        attrs["aria-describedby"] = _described(bound) or False
        if bound.errors:
            attrs["aria-invalid"] = "true"
        if bound.field.widget.attrs.get("placeholder") == bound.label:
            attrs["placeholder"] = False  # the label says it already
    return {
        "field": bound,
        "widget": bound.as_widget(attrs=attrs),
        "shape": _shape(bound),
        "label": label or bound.label,
        "unit": unit,
        "wide": wide,
    }


@register.inclusion_tag("web/parts/fields.html")
def fields(form: BaseForm) -> dict[str, Any]:
    """Draw the error summary and every field of a form."""
    return {"form": form}


@register.inclusion_tag("web/parts/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, Any]:
    """List what is wrong with a form, each line a link to its field."""
    return {"form": form}


@register.inclusion_tag("web/parts/filedrop.html")
def filedrop(bound: BoundField, hint: str = "") -> dict[str, Any]:
    """Draw a file field one can drop files on; it works as a plain file input without a mouse."""
    if not isinstance(bound.field.widget, FileInput | ClearableFileInput):
        raise TypeError(f"{bound.name} is not a file field")
    return {
        "field": bound,
        "hint": hint or bound.help_text,
        "multiple": getattr(bound.field.widget, "allow_multiple_selected", False),
        "accept": bound.field.widget.attrs.get("accept", ""),
    }


@register.inclusion_tag("web/parts/filters.html", takes_context=True)
def filters(context: Context, form: BaseForm, label: str = "Filters") -> dict[str, Any]:
    """Draw a filter bar: a GET form whose choices stay in the address."""
    request = context["request"]
    return {
        "form": form,
        "label": label,
        "kept": [(k, request.GET[k]) for k in ("sort", "tab") if k in request.GET],
        "active": any(request.GET.get(name) for name in form.fields),
        "path": request.path,
    }
