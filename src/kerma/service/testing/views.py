"""Pages of the testing room: the list, planning, and one survey in whatever state it is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from kerma.core import InputError
from kerma.service.estate.selectors import systems
from kerma.service.instruments.selectors import instruments
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records import selectors as records
from kerma.service.testing import forms, selectors, services
from kerma.service.testing.access import person_of, survey_of
from kerma.service.testing.actions import ACTS, Act, possible
from kerma.service.testing.baselines import baselines_set, candidates
from kerma.service.testing.composition import proposal
from kerma.service.testing.evaluation import Evaluation, evaluate_survey
from kerma.service.testing.models import STATES, Survey
from kerma.service.testing.protocol_text import protocol_of
from kerma.service.testing.review import frozen_sections, verdict_summary
from kerma.service.testing.sheet import sheet

_PAGE = 50
_SORTS = {
    "day": "planned_for",
    "system": "system__asset",
    "state": "state",
    "site": "system__room__site__name",
}


@require_GET
def surveys(request: HttpRequest) -> HttpResponse:
    """List the surveys."""
    person = person_of(request)
    if person.is_hospital:
        raise Http404
    form = forms.SurveyFilter(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    rows = selectors.filtered(selectors.surveys(person).defer("protocol_text"), query)
    order = request.GET.get("sort", "-day")
    path = _SORTS.get(order.lstrip("-"), "planned_for")
    rows = rows.order_by(f"-{path}" if order.startswith("-") else path, "-id")
    page = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    counts = selectors.verdict_counts(page.object_list)
    return render(
        request,
        "testing/surveys.html",
        {
            "page": page,
            "rows": [(s, counts.get(s.pk, {})) for s in page],
            "form": form,
            "crumbs": [("Testing", "")],
            "may_plan": may("edit", by=person, work="plan").allowed,
        },
    )


def plan(request: HttpRequest) -> HttpResponse:
    """Plan a survey."""
    person = person_of(request)
    if person.is_hospital:
        raise Http404
    available = systems(person).exclude(status="withdrawn")
    asset = request.GET.get("asset", "").replace("\0", "")
    chosen = available.filter(asset=asset).first()
    form = forms.PlanForm(
        request.POST or None, systems=available, initial={"system": chosen, "performer": person}
    )
    if request.method == "POST" and form.is_valid():
        try:
            survey = services.survey_plan(by=person, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"Planned for {survey.planned_for:%-d %b %Y}.")
            return redirect("survey", survey.pk)
    crumbs = [("Testing", "/testing/"), ("Plan a survey", "")]
    status = 422 if form.errors else 200
    return render(request, "testing/plan.html", {"form": form, "crumbs": crumbs}, status=status)


@require_GET
def survey(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one survey in the form its state asks for."""
    item = survey_of(request, pk)
    person = person_of(request)
    evaluation = evaluate_survey(item) if item.editable else None
    context = {
        "survey": item,
        "protocol": protocol_of(item),
        "states": STATES[:-1] if item.state != "superseded" else STATES,
        "acts": available_acts(item, person, evaluation),
        "crumbs": [
            ("Testing", "/testing/"),
            (
                item.system.room.site.name,
                f"/testing/?{urlencode({'q': item.system.room.site.name})}",
            ),
            (str(item.system), f"/equipment/{item.system.asset}/"),
            (item.get_purpose_display(), ""),
        ],
        "history": records.history(log.subject_of(item))[:30],
        "contacts": item.contacts.select_related("by"),
        "contact_form": forms.ContactForm(),
        "signatures": records.signatures(log.subject_of(item)),
        "person": person,
    }
    context |= _entry(item, evaluation) if evaluation else _review(item)
    return render(request, "testing/survey.html", context)


def available_acts(
    item: Survey, person: Person, evaluation: Evaluation | None
) -> list[dict[str, Any]]:
    """Return the acts that belong to this state, each with whether this person may and why not."""
    found = []
    for act in possible(item, person, evaluation=evaluation):
        decision = act.decision()
        found.append(
            {
                "name": act.name,
                "label": act.label,
                "allowed": decision.allowed,
                "why_not": decision.message,
                "blockers": act.blockers() if decision.allowed and _informs(act) else [],
                "dialog": f"act-{act.name}",
                "verb": _VERBS.get(act.name, "Go on"),
                "means": _MEANINGS.get(act.name, ""),
            }
        )
    return found


_VERBS = {"submit": "Sign", "check": "Sign", "issue": "Sign and issue", "take_back": "Take back"}
_MEANINGS = {
    "submit": "You sign that you performed this survey and that the draft says what you found.",
    "check": "You sign that you have checked readings, results, levels and wording.",
    "issue": "You approve the report. It is numbered, can no longer be changed, and goes to the "
    "hospital with the actions in it.",
    "take_back": "The frozen results are withdrawn and the survey is open for measuring again.",
}


def _informs(act: Act) -> bool:
    # Blockers of these are worth reading before pressing; the others are about the form itself.
    return act.name in ("hand_over", "issue", "submit")


def _entry(item: Survey, evaluation: Evaluation) -> dict[str, Any]:
    sections = sheet(evaluation)
    parts = selectors.parts_of(item)
    register = list(instruments().filter(retired_on=None))
    for part in parts:
        part["choices"] = [i for i in register if i.kind == part["kind"]]
    suspended = [o for o in evaluation.outcomes if o.judgement.verdict == "suspension"]
    return {
        "sections": sections,
        "done": sum(s.done for s in sections),
        "total": len(evaluation.outcomes),
        "missing": evaluation.missing,
        "parts": parts,
        "start_form": forms.StartForm(initial={"performed_on": timezone.localdate()}),
        "slots": _slots(item),
        "images_form": forms.ImagesForm(),
        "suspended": suspended,
    }


def _slots(item: Survey) -> list[dict[str, Any]]:
    held: dict[str, int] = {}
    for name in item.images.filter(removed_at=None).values_list("slot", flat=True):
        held[name] = held.get(name, 0) + 1
    analyses = list(item.analyses.filter(replaced_by=None).select_related("by"))
    return [
        {
            "spec": spec,
            "count": held.get(spec.id, 0),
            "analyses": [a for a in analyses if a.slot == spec.id],
        }
        for spec in protocol_of(item).images
    ]


def _review(item: Survey) -> dict[str, Any]:
    results = list(item.results.filter(withdrawn_at=None).order_by("order"))
    draft = item.drafts.select_related("report").first()
    issue = draft.report.issues.filter(subject=log.subject_of(item)).first() if draft else None
    return {
        "frozen": frozen_sections(results),
        "counts": verdict_summary(results),
        "slots": [s for s in _slots(item) if s["count"] or s["analyses"]],
        "candidates": candidates(item) if item.state == "issued" else [],
        "kinds": sorted({c.kind for c in item.system.components.all()}),
        "priorities": ("Urgent", "High", "Routine"),
        "draft": draft,
        "issue": issue,
        "draft_form": forms.DraftForm(
            initial={"recommendation": item.recommendation, "summary": item.summary}
        ),
        "proposals": [
            {"result": r, **proposal(item, r)}
            for r in results
            if r.verdict in ("remedial", "suspension")
        ],
    }


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin measuring."""
    item = survey_of(request, pk)
    form = forms.StartForm(request.POST)
    if not form.is_valid():
        raise InputError("Give the day of the survey.", code="blank")
    services.survey_start(by=person_of(request), survey=item, **form.cleaned_data)
    return redirect("survey", pk)


@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Do one legal act; what stands in its way is said on the page, nothing is lost."""
    item = survey_of(request, pk)
    if name not in ACTS:
        raise Http404
    given = ("comment", "reason", "summary", "recommendation", "draft")
    options: dict[str, Any] = {k: request.POST[k] for k in given if k in request.POST}
    proposals = _proposals(request)
    if proposals:
        options["proposals"] = proposals
    done = ACTS[name](survey=item, by=person_of(request), **options).perform()
    messages.success(request, f"{ACTS[name].label}: done.")
    return redirect("survey", done.pk if isinstance(done, Survey) else pk)


def _proposals(request: HttpRequest) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for key, value in request.POST.items():
        kind, _, test = key.partition(":")
        if test and kind in ("action", "priority", "owner", "due"):
            found.setdefault(test, {})[kind] = value.strip()
    return found


@require_POST
def baselines(request: HttpRequest, pk: int) -> HttpResponse:
    """Make results of an issued survey the baselines of their tests."""
    item = survey_of(request, pk)
    wanted = request.POST.getlist("result")
    chosen = [r for r in candidates(item) if str(r.pk) in wanted]
    if not chosen:
        raise InputError("Choose at least one result.", code="blank")
    rows = baselines_set(
        by=person_of(request), survey=item, results=chosen, reason=request.POST.get("reason", ""),
        components=request.POST.getlist("component"),
    )  # fmt: skip
    messages.success(request, f"{len(rows)} baselines set from {item.performed_on:%-d %b %Y}.")
    return redirect("survey", pk)


@require_POST
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """Record who was told."""
    item = survey_of(request, pk)
    form = forms.ContactForm(request.POST)
    if not form.is_valid():
        raise InputError("Say who was told, how, and what they were told.", code="blank")
    services.contact_record(by=person_of(request), survey=item, **form.cleaned_data)
    messages.success(request, "Recorded.")
    return redirect("survey", pk)
