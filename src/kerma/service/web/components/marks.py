"""Small marks: icons, verdict chips, badges."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from kerma.core import Verdict
from kerma.service.web.components.library import register

_STROKE = 'fill="none" stroke="currentColor" stroke-width="1.6"'

# Shape and weight grow with severity, so that a grey print keeps the order.
_SHAPES = {
    "tick": f'<circle cx="8" cy="8" r="6.7" {_STROKE}/><path d="M4.8 8.3l2.2 2.2 4.2-4.8" '
    f'{_STROKE} stroke-linecap="round" stroke-linejoin="round"/>',
    "triangle": f'<path d="M8 1.8 14.8 14H1.2z" {_STROKE} stroke-linejoin="round"/>'
    f'<path d="M8 6.2v3.9M8 11.5v1.3" {_STROKE}/>',
    "octagon": '<path fill="currentColor" fill-rule="evenodd" d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1'
    "L1 10.9V5.1zM5 6.1 6.9 8 5 9.9 6.1 11 8 9.1 9.9 11 11 9.9 9.1 8 11 6.1 9.9 5 8 6.9 6.1 5z"
    '"/>',
    "open": f'<circle cx="8" cy="8" r="6.5" {_STROKE} stroke-dasharray="2.6 2.1"/>',
    "dash": f'<circle cx="8" cy="8" r="6.7" {_STROKE}/><path d="M4.8 8h6.4" {_STROKE}/>',
    "blank": f'<path d="M2.5 8h11" {_STROKE} stroke-linecap="round"/>',
    "dots": '<path fill="currentColor" d="M2 6.5h3v3H2zM6.5 6.5h3v3h-3zM11 6.5h3v3h-3z"/>',
    "up": f'<path d="M4 9.8 8 5.8l4 4" {_STROKE}/>',
    "down": f'<path d="M4 6.2l4 4 4-4" {_STROKE}/>',
    "both": f'<path d="M5 6.3 8 3.3l3 3M5 9.7l3 3 3-3" {_STROKE}/>',
    "pen": f'<path d="M2.5 13.5l.7-3.2 7.6-7.6 2.5 2.5-7.6 7.6zM9.3 4.2l2.5 2.5" {_STROKE}/>',
    "file": f'<path d="M3.5 1.8h6l3 3v9.4h-9zM9.3 1.8v3.4h3.2" {_STROKE}/>',
    "menu": f'<path d="M2 4.5h12M2 8h12M2 11.5h12" {_STROKE}/>',
}

_VERDICTS = {
    Verdict.PASS: ("pass", "tick", "Pass"),
    Verdict.REMEDIAL: ("remedial", "triangle", "Remedial"),
    Verdict.SUSPENSION: ("suspension", "octagon", "Suspension"),
    Verdict.NOT_DONE: ("none", "open", "Not done"),
    Verdict.NOT_APPLICABLE: ("none", "blank", "Not applicable"),
    Verdict.NOT_ENOUGH_DATA: ("none", "dots", "Not enough data"),
    Verdict.NOT_MEASURABLE: ("none", "dash", "Not measurable"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a small shape beside a word; it never stands alone, so it is hidden from readers."""
    return mark_safe(  # a constant of this module
        f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{_SHAPES[name]}</svg>'
    )


@register.simple_tag
def verdict(value: Any, label: str = "", near: bool = False) -> SafeString:
    """Show a verdict as colour, shape and word.

    Parameters
    ----------
    value
        A `Verdict`, its text, or anything with a ``verdict`` (a judgement, a stored result).
    label
        Another word in place of the verdict's own, such as “3 not done”.
    near
        Adds “near the level” when the uncertainty could turn the verdict over.

    """
    if value in (None, ""):
        value = Verdict.NOT_DONE
    value = value if isinstance(value, str) else value.verdict
    tone, shape, word = _VERDICTS[Verdict(value)]
    return format_html(
        '<span class="chip {}">{}{}</span>{}',
        tone,
        icon(shape),
        label or word,
        mark_safe('<span class="near">near the level</span>') if near else "",
    )


@register.simple_tag
def badge(text: str, tone: str = "", title: str = "") -> SafeString:
    """Show a word in a quiet box; `tone` is ``accent``, ``warn``, ``bad`` or nothing."""
    return format_html(
        '<span class="badge {}"{}>{}</span>',
        tone,
        format_html(' title="{}"', title) if title else "",
        text,
    )
