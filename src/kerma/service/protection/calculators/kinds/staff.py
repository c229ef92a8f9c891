"""Calculators of staff dose."""

from __future__ import annotations

from kerma.physics import staff
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Flag, Number, named

GROUP = "Staff"
_SV = ("mSv", "uSv", "Sv")

CALCULATORS = (
    Calculator(
        "staff-effective-dose", "Effective dose under an apron", GROUP,
        "Effective dose of a wearer of an apron from one or two badges, by a named algorithm.",
        staff.effective_dose,
        (Choice("algorithm", "Algorithm", named(staff.algorithms)),
         Flag("thyroid_shield", "Was a thyroid shield worn?"),
         Number("over", "Over the apron", "Ho", _SV, hint="at the collar", optional=True),
         Number("under", "Under the apron", "Hu", _SV,
                hint="blank for an algorithm of one badge", optional=True)),
        "staff-dose",
        {"algorithm": "Martin-Magee 2013", "thyroid_shield": "yes", "over": "4.1",
         "over-unit": "mSv", "over-u": "10 %", "under": "0.3", "under-unit": "mSv",
         "under-u": "0.1"},
        draws_on=("apron-algorithms/",),
    ),
)  # fmt: skip
