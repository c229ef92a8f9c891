"""Addresses of records: Today, reports, actions, reference data, quality."""

from django.urls import path

from kerma.service.records import quality_views, reference_views, views

urlpatterns = [
    path("", views.today, name="today"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("reports/", views.reports, name="reports"),
    path("reports/issues/<int:pk>/", views.issue, name="issue"),
    path("reports/issues/<int:pk>/report.pdf", views.issue_pdf, name="issue-pdf"),
    path("reports/issues/<int:pk>/content.json", views.issue_content, name="issue-content"),
    path("actions/", views.actions, name="actions"),
    path("actions/<int:pk>/", views.action, name="action"),
    path("actions/<int:pk>/evidence/<int:entry>/", views.evidence, name="action-evidence"),
    path("reference/", reference_views.datasets, name="reference"),
    path("reference/row/<path:row>/", reference_views.row, name="reference-row"),
    path("reference/<slug:dataset>/", reference_views.dataset, name="reference-dataset"),
    path("reference/<slug:dataset>/verify/", reference_views.verify, name="reference-verify"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/log/", quality_views.event_log, name="event-log"),
    path("quality/verify/", quality_views.verify, name="integrity"),
]
