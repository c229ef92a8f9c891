"""Papers of shielding calculations are advice of an RPA."""

from __future__ import annotations

import json

import pytest

from kerma.core import InputError, NotEntitled, quantity
from kerma.physics.mammography import headers
from kerma.service.protection.calculators.kinds.shielding_common import volts
from kerma.service.protection.calculators.papers import paper_write_up
from kerma.service.records.models import Issue
from kerma.service.records.papers.acts import ACTS
from tests.service import cast as play
from tests.service.cast import Cast
from tests.service.test_calculators_saved import kept, verified, words
from tests.service.test_shielding import adviser

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


def test_shielding_is_approved_by_an_rpa_and_stands_alone(who: Cast) -> None:
    wall = kept(who, "shielding-ncrp-secondary-wall")
    with pytest.raises(InputError, match="two papers"):
        paper_write_up(by=who.colleague, rows=[kept(who), wall], employer=who.ours, **words())
    paper = paper_write_up(by=who.colleague, rows=[wall], employer=who.ours, **words())
    assert "Required thickness of lead" in json.dumps(paper.drafts.get().content)
    verified(who, wall)
    ACTS["submit"](paper=paper, by=who.colleague).perform()
    ACTS["check"](paper=paper, by=who.checker).perform()
    with pytest.raises(NotEntitled):
        ACTS["issue"](paper=paper, by=who.approver).perform()  # an MPE is no RPA
    ACTS["issue"](paper=paper, by=adviser(who)).perform()
    assert Issue.objects.get().report == paper.report


def test_an_uncertainty_no_budget_could_take_in_is_refused() -> None:
    assert volts(quantity(85, "kV")) == 85.0
    with pytest.raises(InputError, match="no part in the budget"):
        volts(quantity(85, "kV", 1.0))
    with pytest.raises(InputError, match="no part in the budget"):
        headers.mgd(quantity(29, "kV", 0.5), anode="Mo", filter_material="Mo",
                    thickness=quantity(53, "mm"), composition="50")  # fmt: skip
