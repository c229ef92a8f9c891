"""Pages of a room's skin dose profile: what holds, what held, and commissioning it anew."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.physics import skin
from kerma.service.doses.access import reader_of
from kerma.service.doses.models import RoomProfile
from kerma.service.doses.skin import selectors, services, shown
from kerma.service.doses.skin.room_forms import ProfileForm, RefuseForm, initial_of
from kerma.service.doses.skin.room_page import groups_of, history
from kerma.service.doses.skin.rooms import in_force, library_profile, starting_points, unknowns
from kerma.service.doses.skin.views import CRUMBS
from kerma.service.estate import selectors as estate
from kerma.service.estate.models import System
from kerma.service.people.entitlement import demand, may
from kerma.service.people.models import Person
from kerma.service.records import log, store
from kerma.service.records.views import download
from kerma.service.web.form_page import form_page


def _room(request: HttpRequest, pk: int) -> tuple[Person, System]:
    person = reader_of(request)
    return person, get_object_or_404(estate.systems(person), pk=pk)


def _crumbs(system: System, last: str = "") -> list[tuple[str, str]]:
    here = reverse("skin-room", args=[system.pk]) if last else ""
    found = [*CRUMBS, ("Skin dose", reverse("skin")), (system.name, here)]
    return [*found, (last, "")] if last else found


def _rights(person: Person, system: System) -> dict[str, Any]:
    about = {"modality": system.modality, "employer": system.employer.key,
             "employer_name": system.employer.name}  # fmt: skip
    return {
        "may_set": may("perform", by=person, work="skin_dose", **about),
        "may_validate": may("approve", by=person, work="skin_dose", **about),
    }


@require_GET
def room(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the profile in force, what was not measured, and every profile there has been."""
    person, system = _room(request, pk)
    now = in_force(system, timezone.localdate())
    profile = library_profile(now) if now else None
    offered = skin.profile_for(system.manufacturer, system.model)
    rows = list(system.skin_profiles.select_related("set_by", "evidence").order_by("-pk"))
    context = {
        "system": system, "now": now, "tone": shown.TONES[now.status] if now else "",
        "groups": groups_of(profile) if profile else [],
        "missing": unknowns(profile) if profile else [],
        "sources": profile.sources if profile else (),
        "offered": offered, "offered_tone": shown.TONES[offered.status] if offered else "",
        "history": history(rows), "tones": shown.TONES,
        "maps": selectors.newest(person).filter(study__system=system).order_by("-study__date")[:8],
        "outdated": len(selectors.outdated(system)), **_rights(person, system),
        "crumbs": _crumbs(system),
    }  # fmt: skip
    return render(request, "doses/skin_room.html", context)


@require_http_methods(["GET", "POST"])
def commission(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a profile in force: measured in the room, or put together and then indicative."""
    person, system = _room(request, pk)
    demand("perform", by=person, work="skin_dose", subject=log.subject_of(system))
    starts = starting_points(system)
    chosen = next((s for s in starts if s[0] == request.GET.get("from")), None)
    initial = {"valid_from": timezone.localdate()}
    form = ProfileForm(
        request.POST or None, request.FILES or None,
        initial={**initial, **(initial_of(chosen[2]) if chosen else _plain())},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            row = _put_in_force(person, system, form)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"In force: {row}.")
            return redirect("skin-room", pk)
    context = {
        "form": form, "system": system, "starts": starts, "chosen": chosen,
        **_rights(person, system), "crumbs": _crumbs(system, "Commission"),
    }  # fmt: skip
    return render(
        request, "doses/skin_commission.html", context, status=422 if form.errors else 200
    )


def _plain() -> dict[str, Any]:
    """Return what a form begun from nothing takes for granted: the standard's own conventions."""
    return {
        "orientations": ["HFS"], "field_from": ["opening", "size", "area", "kap"],
        "obliquity": True, "across_item": "table_longitudinal", "along_item": "table_lateral",
        "down_item": "table_height",
    }  # fmt: skip


def _put_in_force(person: Person, system: System, form: ProfileForm) -> RoomProfile:
    data = form.cleaned_data
    profile = form.profile(system)
    evidence = None
    if (file := data["evidence"]) is not None:
        evidence = store.keep(
            by=person, content=file.read(), name=file.name or "measurements",
            media_type=file.content_type or "application/octet-stream",
        )  # fmt: skip
    return services.profile_set(
        by=person, system=system, profile=profile, status=data["status"],
        valid_from=data["valid_from"], reason=data["reason"], evidence=evidence,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Let no map be made of a room from a day on."""
    person, system = _room(request, pk)
    demand("perform", by=person, work="skin_dose", subject=log.subject_of(system))
    form = RefuseForm(request.POST or None, initial={"valid_from": timezone.localdate()})

    def save(data: dict[str, Any]) -> None:
        latest = system.skin_profiles.order_by("-pk").first()
        bare = skin.RoomProfile(
            name=system.asset, title=f"{system.asset} {system.name}", status="refused",
            manufacturer=system.manufacturer, models=(system.model,),
            valid_from=data["valid_from"], reason=data["reason"],
        )  # fmt: skip
        profile = library_profile(latest) if latest else bare
        services.profile_set(by=person, system=system, profile=profile, status="refused", **data)
        messages.success(request, "No map is made of this room from that day on.")

    return form_page(
        request, form, save, title="Refuse maps of this room", verb="Refuse them",
        back=reverse("skin-room", args=[pk]), crumbs=_crumbs(system, "Refuse"),
    )  # fmt: skip


@require_POST
def redo(request: HttpRequest, pk: int) -> HttpResponse:
    """Work out again the room's maps that rest on another profile."""
    person, system = _room(request, pk)
    counts, left = services.recalculate(by=person, system=system)
    told = ", ".join(f"{n} {name}" for name, n in counts.items()) or "nothing to do"
    after = f"; {left} left for “kerma doses skin”" if left else ""
    messages.success(request, f"Worked out again: {told}{after}.")
    return redirect("skin-room", pk)


@require_GET
def evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the measurements a profile rests on."""
    person = reader_of(request)
    rows = RoomProfile.objects.filter(system__in=estate.systems(person))
    row = get_object_or_404(rows.select_related("evidence"), pk=pk)
    if row.evidence is None:
        raise Http404
    return download(row.evidence)
