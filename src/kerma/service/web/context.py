"""What every page knows: the rail, the look a person chose, whether this is the demo service."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from kerma.service.web import nav

_THEMES = ("light", "dark")
_DENSITIES = ("comfortable",)


def kerma(request: HttpRequest) -> dict[str, Any]:
    """Add ``kerma`` to every template context.

    The look lives in two cookies written by ``theme.js``, so that the page arrives in it and does
    not flash.
    """
    user = getattr(request, "user", None)
    signed_in = bool(user is not None and user.is_authenticated)
    theme = request.COOKIES.get("kerma-theme", "")
    density = request.COOKIES.get("kerma-density", "")
    return {
        "kerma": {
            "demo": getattr(settings, "DEMO", False),
            "theme": theme if theme in _THEMES else "",
            "density": density if density in _DENSITIES else "",
            "signed_in": signed_in,
            "who": SimpleLazyObject(lambda: _who(user) if signed_in else {}),
            # Lazy: fragments and error pages do not pay for the counts.
            "rail": SimpleLazyObject(lambda: nav.rail(request) if signed_in else []),
            "tabs": SimpleLazyObject(lambda: nav.tabs(request) if signed_in else []),
        }
    }


def _who(user: Any) -> dict[str, str]:
    return {"name": user.display_name, "role": user.role_line}
