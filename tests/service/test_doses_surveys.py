"""Survey sheets: the columns of the layout, patients only, nothing beyond the days asked for."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO
from typing import Any

import pytest

from kerma.core import InputError
from kerma.doses.schema import STUDIES
from kerma.service.doses import columnar
from kerma.service.doses.surveys.layout import layout, layouts
from tests.service import factory
from tests.service.cast import cast

pytestmark = pytest.mark.django_db


def row(study: int, **more: Any) -> dict[str, Any]:
    given = {"study": study, "date": date(2026, 5, study + 1), "modality": "DX", "patient": True,
             "kap_gy_cm2": 0.1 * study, "system": "A1"}  # fmt: skip
    return {**dict.fromkeys(STUDIES), **given, **more}


def sheet(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text.lstrip("\ufeff"))))


def test_a_sheet_has_the_layouts_columns_and_patients_only() -> None:
    rows = [row(0), row(1), row(2, patient=False), row(25)]
    columnar.store().write(range(40), {"studies": rows}, mark="")
    browser = factory.client(cast().approver)
    asked = {"since": "2026-05-01", "until": "2026-05-20"}
    answer = browser.get(
        "/doses/surveys/", {"layout": "projection-patients", "format": "csv", **asked}
    )
    found = sheet(answer.content.decode())
    assert list(found[0]) == [head for _, head in layouts()["projection-patients"].columns]
    assert [(r["Patient"], float(r["KAP, Gy cm²"])) for r in found] == [("0", 0.0), ("1", 0.1)]


def test_a_layout_that_names_no_column_is_refused() -> None:
    bad = {"title": "x", "modality": "", "source": "x", "row": "studies",
           "columns": [{"head": "Name", "field": "patient_name"}]}  # fmt: skip
    with pytest.raises(InputError, match="patient_name"):
        layout("bad", bad)


def test_the_page_lists_every_layout_and_refuses_days_that_are_none() -> None:
    browser = factory.client(cast().approver)
    page = browser.get("/doses/surveys/").content.decode()
    assert all(item.title in page for item in layouts().values())
    bad = browser.get("/doses/surveys/", {"layout": "ct-patients", "since": "x", "until": "y"})
    assert bad.status_code == 422
