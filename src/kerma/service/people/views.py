"""Pages of the people room. None of them is for hospital users."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from kerma.service.estate.models import MODALITIES, Site
from kerma.service.people import forms, selectors, services
from kerma.service.people.access import staff_of
from kerma.service.people.columns import people_columns
from kerma.service.people.entitlement import demand, may
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.web.form_page import form_page
from kerma.service.web.tables import Table

_ROOM = "The register of people"


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """List the people."""
    staff_of(request, _ROOM)
    on = timezone.localdate()
    form = forms.PeopleFilter(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Person] = Table(
        request,
        selectors.roster(query),
        people_columns(),
        name="people",
        default="name",
        noun="people",
        prepare=lambda rows: selectors.credentials_of(rows, on),
    )
    if table.wanted:
        return table.file()
    crumbs = [("People", "")]
    return render(request, "people/people.html", {"table": table, "form": form, "crumbs": crumbs})


@require_GET
def leads(request: HttpRequest) -> HttpResponse:
    """Show who oversees the testing of each kind of equipment."""
    staff_of(request, _ROOM)
    on = timezone.localdate()
    held: dict[str, list[object]] = {}
    for lead in selectors.leads(on):
        held.setdefault(lead.modality, []).append(lead)
    context = {
        "rows": [(title, held.get(key, [])) for key, title in MODALITIES],
        "away": selectors.away(on),
        "crumbs": [("People", "/people/"), ("Modality leads", "")],
    }
    return render(request, "people/leads.html", context)


@require_GET
def contacts(request: HttpRequest) -> HttpResponse:
    """Show every site with its contact, who covers, and who acts today."""
    person = staff_of(request, _ROOM)
    on = timezone.localdate()
    named = {}
    for contact in selectors.contacts(on):
        named.setdefault(contact.site_id, contact)
    sites = Site.objects.select_related("employer").order_by("employer__name", "name")
    context = {
        "rows": [(site, named.get(site.pk)) for site in sites],
        "away": selectors.away(on),
        "may_edit": may("edit", by=person, work="people").allowed,
        "crumbs": [("People", "/people/"), ("Site contacts", "")],
    }
    return render(request, "people/contacts.html", context)


@require_GET
def person(request: HttpRequest, key: str) -> HttpResponse:
    """Show one person."""
    reader = staff_of(request, _ROOM)
    on = timezone.localdate()
    item = get_object_or_404(Person.objects.select_related("employer"), key=key)
    credentials = list(item.credentials.select_related("verified_by"))
    context = {
        "item": item,
        "on": on,
        "away": item.absences.filter(start__lte=on, end__gte=on).first(),
        "titles": selectors.capacity(item, on),
        "credentials": [(c, selectors.state_of(c, on), selectors.ends(c)) for c in credentials],
        "authorisations": item.authorisations.select_related("assessor").order_by("modality"),
        "appointments": item.appointments.select_related("employer").prefetch_related("deputies"),
        "contacts": item.site_contacts.filter(end=None).select_related("site", "cover"),
        "covers": item.covers.filter(end=None).select_related("site", "person"),
        "leads": item.leads.filter(end=None),
        "absences": item.absences.filter(end__gte=on).order_by("start"),
        "surveys": item.surveys.select_related("system__room__site").defer("protocol_text")[:15],
        "may_edit": may("edit", by=reader, work="people").allowed,
        "self": reader == item,
        "modalities": dict(MODALITIES) | {"*": "Every type"},
        "crumbs": [("People", "/people/"), (item.name, "")],
    }
    return render(request, "people/person.html", context)


def _subject(request: HttpRequest, key: str) -> tuple[Person, Person]:
    by = staff_of(request, _ROOM)
    item = get_object_or_404(Person, key=key)
    return by, item


def _crumbs(item: Person, here: str) -> list[tuple[str, str]]:
    return [("People", "/people/"), (item.name, _url(item)), (here, "")]


def _url(item: Person) -> str:
    return reverse("person", args=[item.key])


@require_http_methods(["GET", "POST"])
def credential(request: HttpRequest, key: str) -> HttpResponse:
    """Record a credential."""
    by, item = _subject(request, key)
    demand("edit", by=by, work="people", subject=log.subject_of(item))
    return form_page(
        request,
        forms.CredentialForm(request.POST or None),
        lambda data: services.credential_add(by=by, person=item, **data),
        title=f"Add a credential of {item.name}",
        verb="Add",
        back=_url(item),
        crumbs=_crumbs(item, "Credential"),
        lede="You state that you have seen the certificate or the register’s entry.",
    )


@require_http_methods(["GET", "POST"])
def appointment(request: HttpRequest, key: str) -> HttpResponse:
    """Record an employer's appointment."""
    by, item = _subject(request, key)
    demand("edit", by=by, work="people", subject=log.subject_of(item))
    return form_page(
        request,
        forms.AppointmentForm(request.POST or None),
        lambda data: services.appointment_add(by=by, person=item, **data),
        title=f"Add an appointment of {item.name}",
        verb="Add",
        back=_url(item),
        crumbs=_crumbs(item, "Appointment"),
        lede="Only what an employer has put in writing.",
    )


@require_http_methods(["GET", "POST"])
def absence(request: HttpRequest, key: str) -> HttpResponse:
    """Record days away."""
    by, item = _subject(request, key)
    if by != item:
        demand("edit", by=by, work="people", subject=log.subject_of(item))
    return form_page(
        request,
        forms.AbsenceForm(request.POST or None),
        lambda data: services.absence_add(by=by, person=item, **data),
        title=f"Add an absence of {item.name}",
        verb="Add",
        back=_url(item),
        crumbs=_crumbs(item, "Absence"),
        lede="On these days the cover takes over as site contact.",
    )


@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest, site: str) -> HttpResponse:
    """Name a site's contact and cover."""
    by = staff_of(request, _ROOM)
    place = get_object_or_404(Site.objects.select_related("employer"), key=site)
    demand("edit", by=by, work="people", subject=log.subject_of(place))
    return form_page(
        request,
        forms.ContactForm(request.POST or None),
        lambda data: services.contact_set(by=by, site=place, **data),
        title=f"Contact for {place.name}",
        verb="Save",
        back=reverse("contacts"),
        crumbs=[("People", "/people/"), ("Site contacts", "/people/contacts/"), (place.name, "")],
        lede=f"{place.employer.name}. The contact before this one ends on the same day.",
    )
