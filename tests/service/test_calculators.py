"""Calculators: no public calculation without a page; nothing typed breaks one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from django.utils.html import escape

from kerma.core import InputError
from kerma.physics import registry
from kerma.service.protection.calculators.calculator import Calculator, work_out, worked
from kerma.service.protection.calculators.fields import Choice, Number, Rows
from kerma.service.protection.calculators.kinds import calculators, find
from kerma.service.protection.calculators.working import uncertainty, working
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

ALL = list(calculators().values())
IDS = list(calculators())
ROOM = "/protection/calculators/"
METHODS = Path(__file__).parents[2] / "docs" / "methods"
# Calculations without a page, and why.
WITHOUT = {
    "mammography.tg282.mean_glandular_dose": "refused until a service supplies its own table",
}
# Kinds of calculation that are made from a drawn plan, in the room of shielding designs.
# The record of these begins with what an earlier calculation of the chain gave.
CHAINS = {"beam-output", "breast-mgd-header", "breast-standard-limits", "risk-words",
          "shielding-ncrp-unshielded"}  # fmt: skip
DRAWN = ("shielding.plan.", "shielding.room.")


def test_no_public_calculation_is_without_a_page() -> None:
    covered = {f for c in ALL for f in c.functions}
    missing = {n for n, f in registry.functions().items() if f not in covered}
    assert {n for n in missing if not n.startswith(DRAWN)} == WITHOUT.keys()
    assert covered <= set(registry.functions().values()), "a page for what is no calculation"


@pytest.mark.parametrize("item", ALL, ids=IDS)
def test_every_calculator_works_on_its_example_and_says_what_it_draws_on(item: Calculator) -> None:
    made = work_out(item, item.example)
    held = {r.id for r in item.rows()}
    assert {s.row for s in made.sources} <= held
    assert set(made.others) >= set(item.others) or not item.others
    assert work_out(item, item.example).sha256 == made.sha256
    assert made.title in working(made)


@pytest.mark.parametrize("item", ALL, ids=IDS)
def test_every_calculator_names_a_method_page_that_describes_its_module(item: Calculator) -> None:
    page = (METHODS / f"{item.method_page}.md").read_text(encoding="utf-8")
    assert [f.__module__ for f in item.functions if f"`{f.__module__}`" not in page] == []


@pytest.mark.parametrize("item", ALL, ids=IDS)
def test_fields_are_called_as_the_record_calls_them(item: Calculator) -> None:
    """A refusal of the library names a symbol; it must stand beside the field of that symbol."""
    symbols = [f.symbol for f in item.fields if isinstance(f, Number) and f.symbol]
    assert len(set(symbols)) == len(symbols)
    made = work_out(item, item.example)
    if made.name == item.key and item.key not in CHAINS:
        used = {f.symbol for f in item.fields if isinstance(f, Number) and f.name in item.example}
        assert used - {i.symbol for i in made.inputs} <= {"gap", "kV"}


ABSURD = [
    "", "0", "-1", "1e308", "-1e308", "1e999", "1e-300", "nan", "inf", "-inf", "1,5", "1_000", "٣",
    "x", "1 furlong", "1 s", "1 mGy.cm", "0x10", "<script>", "1;2", "½", "1e9", "1e-12", "9" * 190,
    "\0", "1\n2",
]  # fmt: skip


@pytest.mark.parametrize("item", [c for c in ALL if not c.slow], ids=[c.key for c in ALL
                                                                      if not c.slow])  # fmt: skip
def test_absurd_values_units_and_blanks_end_in_a_sentence_never_in_an_error(
    item: Calculator,
) -> None:
    for field, text in itertools.product(item.fields, ABSURD):
        found = worked(item, item.given({**item.example, field.name: text}))
        assert found.made or found.troubles or found.missing, (field.name, text)
        assert all(len(t) < 2000 for t in found.troubles.values())
        if isinstance(field, Number):
            for other in ("furlong", "s", "", "mGy/", "1/0", "\0"):
                worked(item, item.given({**item.example, field.name + "-unit": other}))
            for u in ("-1", "1e308", "nan", "200 %", "1 s", "x", "1e-300", "0"):
                worked(item, item.given({**item.example, field.name + "-u": u}))


@pytest.mark.parametrize("item", [c for c in ALL if c.slow], ids=[c.key for c in ALL if c.slow])
def test_absurd_values_of_a_beam_end_in_a_sentence(item: Calculator) -> None:
    for field in item.fields:
        for text in ("", "-1", "1e308", "nan", "1,5", "1 s", "1e6"):
            found = worked(item, item.given({**item.example, field.name: text}))
            assert found.made or found.troubles or found.missing, (field.name, text)


@pytest.mark.parametrize("item", ALL, ids=IDS)
def test_any_other_option_of_a_choice_gives_a_result_or_a_sentence(item: Calculator) -> None:
    for field in (f for f in item.fields if isinstance(f, Choice)):
        for value, _ in list(field.options(item.example))[:6]:
            found = worked(item, {**item.example, field.name: value})
            assert found.made or found.troubles or found.missing


def test_units_never_change_the_answer() -> None:
    item = find("ct-effective-dose")
    one = work_out(item, item.example)
    two = work_out(item, {**item.example, "dlp": "0.4", "dlp-unit": "Gy.cm"})
    assert two.value.value == pytest.approx(one.value.value, rel=1e-12)
    assert two.value.u == pytest.approx(one.value.u, rel=1e-12)
    absolute = work_out(item, {**item.example, "dlp-u": "0.02 Gy.cm"})
    assert absolute.value.u == pytest.approx(one.value.u, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ({"dlp": "400 Gy.cm"}, "two-units"), ({"dlp-unit": ""}, "no-unit"),
        ({"dlp-unit": "mGy"}, "wrong-unit"), ({"dlp-unit": "furlong"}, "unknown-unit"),
        ({"dlp": "1e12"}, "absurd"), ({"dlp": "4,00"}, "decimal-comma"),
        ({"dlp": "four"}, "not-a-number"), ({"dlp": "-4"}, "not-above-zero"),
        ({"dlp-u": "-5 %"}, "bad-uncertainty"), ({"phantom": "head"}, "other-phantom"),
        ({"region": "knee"}, "no-choice"), ({"set_name": ""}, "no-choice"),
        ({"dlp": ""}, "missing"),
    ],
)  # fmt: skip
def test_each_slip_is_refused_by_name(text: dict[str, str], code: str) -> None:
    item = find("ct-effective-dose")
    with pytest.raises(InputError) as refused:
        work_out(item, item.given({**item.example, **text}))
    assert refused.value.code == code


def test_an_optional_blank_is_left_out_and_never_zero() -> None:
    item = find("staff-effective-dose")
    given = {k: v for k, v in item.example.items() if not k.startswith("under")}
    assert "under and one over" in worked(item, given).troubles[""]
    single = {**given, "algorithm": "NCRP 122 single"}
    assert worked(item, single).made or worked(item, single).troubles


def test_lines_are_read_as_pasted_from_a_sheet() -> None:
    field = Rows("h", "H", (("kV", "kV"), ("KAP", "Gy.cm2")))
    for text in ("70 12\n80 30", "70\t12\n80\t30\n", "70: 12; 80: 30"):
        assert [tuple(q.value for q in line) for line in field.read({"h": text}) or ()] == [
            (70, 12), (80, 30)
        ]  # fmt: skip
    for text, code in (("70", "columns"), ("70 x", "not-a-number"), ("70 1 2", "columns"),
                       ("70 1e99", "absurd"), ("1 1\n" * 300, "too-many")):  # fmt: skip
        with pytest.raises(InputError) as refused:
            field.read({"h": text})
        assert refused.value.code == code


def test_an_uncertainty_has_two_significant_digits() -> None:
    from kerma.core import quantity

    assert uncertainty(quantity(0.028672, "mGy")) == "0.029 mGy"
    assert uncertainty(quantity(123.4, "mGy")) == "123 mGy"


# Pages ---------------------------------------------------------------------------------------


@pytest.fixture
def who(db: Any) -> Cast:
    return play.cast()


@pytest.mark.parametrize("item", ALL, ids=IDS)
def test_its_pages(who: Cast, item: Calculator) -> None:
    browser = factory.client(who.colleague)
    url = f"{ROOM}{item.key}/"
    assert browser.get(url).status_code == 200
    page = browser.get(url, item.example).content.decode()
    assert escape(work_out(item, item.example).title) in page
    assert "Keep it" in page
    part = browser.get(url, item.example, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert part.headers["HX-Replace-Url"].startswith(url)
    assert browser.get(url + "method/").status_code == 200
    for field in item.fields:
        bad = browser.get(url, {**item.example, field.name: "<b>1e400"})
        assert bad.status_code == 200
        assert "<b>1e400" not in bad.content.decode()


def test_the_index_filters_and_says_what_can_be_issued(who: Cast) -> None:
    browser = factory.client(who.technologist)
    page = browser.get(ROOM).content.decode()
    assert page.count("can be issued") > 5
    assert "draft only: 200 rows not verified" in page
    found = browser.get(ROOM, {"q": "fetal typical"}).content.decode()
    assert "Typical fetal dose" in found
    assert "Lead sheet" not in found
    assert "No calculator fits" in browser.get(ROOM, {"q": "zzz"}).content.decode()


def test_the_search_finds_a_calculator_for_staff(who: Cast) -> None:
    page = factory.client(who.technologist).get("/search/", {"q": "weighted ctdi"})
    assert "/protection/calculators/ctdi-weighted/" in page.content.decode()
    assert (
        "ctdi-weighted"
        not in factory.client(who.nurse).get("/search/", {"q": "weighted ctdi"}).content.decode()
    )


def test_a_technologist_calculates_and_does_not_keep(who: Cast) -> None:
    item = find("ctdi-dlp")
    page = factory.client(who.technologist).get(f"{ROOM}ctdi-dlp/", item.example).content.decode()
    assert "344.4" in page
    assert "Keep it" not in page


def test_an_unknown_calculator_is_not_there(who: Cast) -> None:
    browser = factory.client(who.colleague)
    for url in ("nothing/", "nothing/method/", "nothing/keep/"):
        assert browser.get(ROOM + url).status_code == 404
    assert browser.get(f"{ROOM}ctdi-dlp/", {"length": "9" * 500}).status_code == 422


def test_a_hospital_does_not_enter(who: Cast) -> None:
    browser = factory.client(who.nurse)
    for url in ("", "ctdi-dlp/", "ctdi-dlp/keep/", "saved/", "saved/1/", "saved/write/"):
        assert browser.get(ROOM + url).status_code in (403, 404), url
