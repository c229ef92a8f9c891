"""Addresses of people."""

from django.urls import path

from kerma.service.people import views

urlpatterns = [
    path("", views.people, name="people"),
    path("leads/", views.leads, name="modality-leads"),
    path("contacts/", views.contacts, name="contacts"),
    path("contacts/<slug:site>/", views.contact, name="contact-set"),
    path("person/<slug:key>/", views.person, name="person"),
    path("person/<slug:key>/credential/", views.credential, name="credential-add"),
    path("person/<slug:key>/appointment/", views.appointment, name="appointment-add"),
    path("person/<slug:key>/absence/", views.absence, name="absence-add"),
]
