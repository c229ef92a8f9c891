"""Numbers of shielding designs in pages."""

from __future__ import annotations

from typing import Any

from django import template

from kerma.service.protection.shielding import shown
from kerma.service.web.components.numbers import ABSENT

register = template.Library()


@register.filter
def figures(value: Any) -> str:
    """Return a number to three significant figures, or the mark of an absent one."""
    return ABSENT if value is None else shown.figures(float(value))


@register.filter
def share(value: Any) -> str:
    """Return a kerma over what is allowed in per cent; nothing above is shown as all of it."""
    return shown.share(None if value is None else float(value))


@register.filter
def at(held: Any, key: str) -> Any:
    """Return what is held under a key, or nothing."""
    return held.get(key)
