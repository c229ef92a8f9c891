"""Names of examinations: only a published rule names, and a doubtful one names nothing."""

from __future__ import annotations

import pytest

from kerma.core import InputError
from kerma.doses.naming import Described, Rule, named, require_consistent, suggest

RULES = (
    Rule("head", "CT", "description", "is", "CT Head"),
    Rule("chest", "CT", "description", "contains", "chest"),
    Rule("cap", "CT", "description", "contains", "chest abdomen pelvis"),
    Rule("ctpa", "CT", "code", "is", "CTPA1"),
    Rule("chest-pa", "DX", "description", "contains", "chest"),
)


@pytest.mark.parametrize(
    ("described", "name"),
    [
        (Described("CT", "CT HEAD"), "head"),
        (Described("CT", " ct_head "), "head"),
        (Described("CT", "CT Head and neck"), None),
        (Described("CT", "CT Chest with contrast"), "chest"),
        (Described("CT", "CT Chest, Abdomen, Pelvis"), "cap"),
        (Described("DX", "Chest"), "chest-pa"),
        (Described("CT", "CT chestnut study"), None),
        (Described("CT", "CT Chest", code="CTPA1"), "ctpa"),
        (Described("MG", "Chest"), None),
        (Described("CT"), None),
    ],
)
def test_what_a_description_means(described: Described, name: str | None) -> None:
    assert named(described, RULES) == name


def test_two_rules_of_equal_rank_that_disagree_name_nothing() -> None:
    rules = (*RULES, Rule("thorax", "CT", "description", "contains", "chest"))
    assert named(Described("CT", "CT Chest"), rules) is None
    with pytest.raises(InputError, match="mean different examinations"):
        require_consistent(rules)


def test_a_protocol_names_when_nothing_better_does() -> None:
    rules = (*RULES, Rule("colon", "CT", "protocol", "contains", "colon"))
    assert named(Described("CT", "", protocols=("Virtual colon",)), rules) == "colon"
    assert named(Described("CT", "CT head", protocols=("Virtual colon",)), rules) == "head"


STANDARDS = {
    "head": "Head", "chest": "Chest", "cap": "Chest, abdomen and pelvis",
    "ctpa": "CT pulmonary angiography", "kub": "Kidneys, ureters, bladder",
    "colon": "Virtual colonoscopy",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("CT CAP with contrast", "cap"),
        ("CT THORAX", "chest"),
        ("CTPA", "ctpa"),
        ("CT KUB", "kub"),
        ("CT Brain", "head"),
    ],
)
def test_the_likeliest_name_is_suggested_with_its_reason(text: str, first: str) -> None:
    found = suggest(text, STANDARDS)
    assert found[0].name == first
    assert found[0].reason


def test_nothing_alike_is_no_suggestion() -> None:
    assert suggest("Quality assurance", STANDARDS) == []
    assert suggest("", STANDARDS) == []
