"""Addresses of the register of rooms."""

from django.urls import path

from kerma.service.protection.rooms import views

urlpatterns = [
    path("", views.rooms, name="rooms"),
    path("<slug:key>/", views.room, name="room"),
    path("<slug:key>/entry/", views.entry, name="room-entry"),
    path("<slug:key>/placard/", views.placard, name="room-placard"),
]
