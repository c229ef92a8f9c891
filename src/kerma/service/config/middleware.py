"""Headers every answer carries, and the one place where a `KermaError` becomes an HTTP answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from kerma.core import IntegrityError, KermaError, NotEntitled, UnsupportedError
from kerma.service.people.entitlement import record_refusal

Handler = Callable[[HttpRequest], HttpResponse]

_STATUS: tuple[tuple[type[KermaError], int], ...] = (
    (NotEntitled, 403),
    (IntegrityError, 409),
    (UnsupportedError, 415),
    (KermaError, 422),
)


def status_of(error: KermaError) -> int:
    """Return the HTTP status that says what kind of refusal this is."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


class SecurityHeaders:
    """Nothing is loaded from, sent to, or framed by another host."""

    policy = (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the headers set."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=()")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class PlainErrors:
    """Turn a `KermaError` raised by a view into a page, a fragment or JSON saying what to do."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; errors come to `process_exception`."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Stop somebody who has left, on whatever page their sign-in still opens."""
        person = getattr(request.user, "person", None)
        if person is None or person.active or request.path.startswith("/accounts/"):
            return None
        error = NotEntitled(
            f"{person.name} is recorded as having left. Ask the administrator if that is wrong.",
            rule="sign-in.person",
            missing="an active person",
            detail={"subject": f"page:{request.path}"[:80]},
        )
        record_refusal(by=person, error=error)
        request.user = AnonymousUser()  # the page that says so shows nothing else
        return self._answer(request, error)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a `KermaError`; anything else goes on to Django."""
        if not isinstance(error, KermaError):
            return None
        if isinstance(error, NotEntitled):
            record_refusal(by=getattr(request.user, "person", None), error=error)
        return self._answer(request, error)

    @staticmethod
    def _answer(request: HttpRequest, error: KermaError) -> HttpResponse:
        status = status_of(error)
        if request.path.startswith("/api/") or "application/json" in request.headers.get(
            "Accept", ""
        ):
            return JsonResponse(error.as_dict(), status=status)
        template = "web/error_panel.html" if getattr(request, "htmx", False) else "web/error.html"
        return render(request, template, {"error": error}, status=status)
