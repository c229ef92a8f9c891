"""Addresses of the pages that belong to no room of the department."""

from django.urls import path

from kerma.service.web import views

urlpatterns = [
    path("search/", views.search, name="search"),
    path("style/", views.style, name="style"),
    path("style/save/", views.style_save, name="style-save"),
    path("style/viewer.json", views.style_viewer, name="style-viewer"),
    path("style/frame/<int:index>.raw", views.style_frame, name="style-frame"),
    path("vega.js", views.vega, name="vega"),
]
