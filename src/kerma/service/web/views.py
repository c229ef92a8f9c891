"""Pages that belong to no room of the department: search, errors, the living style page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from kerma.service.web import nav, sample
from kerma.service.web import vega as vega_bundle


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Show what the search found."""
    text = request.GET.get("q", "").strip()
    hits = nav.find(request, text) if text else []
    return render(request, "web/search.html", {"search_text": text, "hits": hits})


@require_GET
@login_not_required
@cache_control(public=True, max_age=86400)
def vega(request: HttpRequest) -> HttpResponse:
    """Serve the Vega bundle of the installed wheel."""
    response = HttpResponse(vega_bundle.bundle(), content_type="text/javascript; charset=utf-8")
    response.headers["ETag"] = f'"{vega_bundle.version()}"'
    return response


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error page says; a `KermaError` has the same attributes."""

    title: str
    message: str
    todo: str
    code: str


def _refuse(request: HttpRequest, refusal: Refusal, status: int) -> HttpResponse:
    fragment = getattr(request, "htmx", False)
    template = "web/error_panel.html" if fragment else "web/error.html"
    return render(request, template, {"error": refusal}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request Kerma could not read."""
    refusal = Refusal(
        "That could not be read",
        "The browser sent something Kerma could not read.",
        "Go back, load the page again and repeat what you did.",
        "bad-request",
    )
    return _refuse(request, refusal, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request this person may not make."""
    refusal = Refusal(
        "Not open to you",
        "This page is not open to the person signed in.",
        "If your work needs it, ask the service manager; what you may do follows from your role, "
        "your credentials and your appointments.",
        "forbidden",
    )
    return _refuse(request, refusal, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for an address that leads nowhere."""
    refusal = Refusal(
        "Nothing here",
        "There is no such page or record, or it belongs to an employer you do not work for.",
        "Check the address, or search with the key /.",
        "not-found",
    )
    return _refuse(request, refusal, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a fault; the page needs neither database nor session."""
    # Without the request, so that no context processor asks a database that may be the fault.
    return HttpResponse(render_to_string("500.html"), status=500)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old."""
    refusal = Refusal(
        "The form had gone stale",
        "Nothing was saved: this form was opened before you last signed in, or cookies are off.",
        "Go back, load the page again, and send the form once more.",
        "csrf",
    )
    return _refuse(request, refusal, 403)


def _style_only() -> None:
    if not (settings.DEBUG or getattr(settings, "DEMO", False)):
        raise Http404


@require_GET
@login_not_required
def style(request: HttpRequest) -> HttpResponse:
    """Show every component with sample data; only in the demo service and while developing."""
    _style_only()
    return render(request, "web/style.html", sample.everything(request))


@require_POST
@login_not_required
def style_save(request: HttpRequest) -> HttpResponse:
    """Answer the style page's grid as a survey would, storing nothing."""
    _style_only()
    answer = sample.answer(request.POST)
    response = render(request, answer.template, answer.context, status=answer.status)
    if answer.version is not None:
        response.headers["Kerma-Version"] = str(answer.version)
    return response


@require_GET
@login_not_required
def style_viewer(request: HttpRequest) -> HttpResponse:
    """Describe the style page's sample image."""
    _style_only()
    return JsonResponse(sample.viewer())


@require_GET
@login_not_required
def style_frame(request: HttpRequest, index: int) -> HttpResponse:
    """Send one frame of the sample image."""
    _style_only()
    frames: list[Any] = sample.frames()
    if index >= len(frames):
        raise Http404
    return HttpResponse(frames[index][0], content_type="application/octet-stream")
