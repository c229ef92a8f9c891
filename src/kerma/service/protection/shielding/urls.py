"""Addresses of shielding designs."""

from django.urls import path

from kerma.service.protection.shielding import as_built_views, draw_views, stock_views, views

urlpatterns = [
    path("", views.designs, name="shielding"),
    path("new/", views.new, name="design-new"),
    path("<int:pk>/", views.design, name="design"),
    path("<int:pk>/draw/", draw_views.draw, name="design-draw"),
    path("<int:pk>/save/", draw_views.save, name="design-save"),
    path("<int:pk>/assess/", draw_views.assess, name="design-assess"),
    path("<int:pk>/map/", draw_views.kerma_map, name="design-map"),
    path("<int:pk>/underlays/", draw_views.underlay, name="design-underlay"),
    path("<int:pk>/underlays/<int:underlay>.png", draw_views.picture, name="design-picture"),
    path("<int:pk>/workload/", draw_views.workload, name="design-workload"),
    path("<int:pk>/products/", stock_views.built_of, name="design-products"),
    path("<int:pk>/products/keep/", stock_views.keep, name="design-products-keep"),
    path("<int:pk>/products/<int:number>/", stock_views.take, name="design-set-take"),
    path("<int:pk>/keep/", views.keep, name="design-keep"),
    path("versions/<int:pk>/", views.version, name="design-version"),
    path("versions/<int:pk>/write/", views.write, name="design-write"),
    path("versions/<int:pk>/as-built/", as_built_views.as_built, name="as-built"),
    path("versions/<int:pk>/as-built/write/", as_built_views.write, name="as-built-write"),
    path(
        "versions/<int:pk>/as-built/<int:row>/evidence/",
        as_built_views.evidence,
        name="as-built-evidence",
    ),
]
