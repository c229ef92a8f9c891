"""Addresses of skin dose."""

from django.urls import path

from kerma.service.doses.skin import room_views, views

urlpatterns = [
    path("", views.skin, name="skin"),
    path("studies/<int:pk>/work-out/", views.work_out, name="skin-work-out"),
    path("studies/<int:pk>/by-hand/", views.by_hand, name="skin-by-hand"),
    path("rooms/<int:pk>/", room_views.room, name="skin-room"),
    path("rooms/<int:pk>/commission/", room_views.commission, name="skin-commission"),
    path("rooms/<int:pk>/refuse/", room_views.refuse, name="skin-refuse"),
    path("rooms/<int:pk>/redo/", room_views.redo, name="skin-redo"),
    path("profiles/<int:pk>/evidence/", room_views.evidence, name="skin-evidence"),
    path("<int:pk>/", views.skin_map, name="skin-map"),
    path("<int:pk>/map.json", views.skin_data, name="skin-data"),
    path("<int:pk>/write/", views.write, name="skin-write"),
]
