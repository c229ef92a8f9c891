"""Calculators of dose to the fetus and of risk."""

from __future__ import annotations

from kerma.physics import fetal, risk
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Number, fixed, named
from kerma.service.protection.calculators.kinds.common import KERMA_UNITS

GROUP = "Fetal dose and risk"
_ONE_IN = {"one_in": "One in"}

CALCULATORS = (
    Calculator(
        "fetal-typical", "Typical fetal dose", GROUP,
        "Which decade of fetal dose an examination belongs to; not an individual estimate.",
        fetal.typical, (Choice("examination", "Examination", named(fetal.examinations)),),
        "risk", {"examination": "CT abdomen"}, draws_on=("fetal/typical_mean_fetal_dose/",),
    ),
    Calculator(
        "fetal-risk", "Childhood cancer after fetal dose", GROUP,
        "The additional risk of a fatal childhood cancer from a dose to the fetus.",
        fetal.fatal_cancer_risk, (Number("dose", "Fetal dose", "D", KERMA_UNITS),),
        "risk", {"dose": "8", "dose-unit": "mGy", "dose-u": "30 %"}, draws_on=("fetal/",),
        others=_ONE_IN,
    ),
    Calculator(
        "risk-nominal", "Nominal detriment from effective dose", GROUP,
        "A detriment averaged over sex and age, for comparing procedures and for words in bands.",
        risk.nominal_detriment,
        (Choice("population", "Population", fixed(*risk.POPULATIONS)),
         Choice("kind", "Detriment", fixed(*risk.KINDS)),
         Number("dose", "Effective dose", "E", ("mSv", "uSv", "Sv"))),
        "risk",
        {"population": "whole population", "kind": "total", "dose": "5.6", "dose-unit": "mSv",
         "dose-u": "10 %"},
        draws_on=("icrp103/nominal",), others=_ONE_IN,
    ),
    Calculator(
        "risk-lifetime", "Lifetime cancer risk by sex and age", GROUP,
        "Lifetime attributable risk of a uniform whole-body dose (BEIR VII).",
        risk.lifetime_risk,
        (Choice("sex", "Sex in the tables", fixed(("F", "Female"), ("M", "Male"))),
         Choice("endpoint", "Endpoint", fixed(*risk.ENDPOINTS)),
         Number("age", "Age at exposure", "a", ("y",)),
         Number("dose", "Whole-body absorbed dose", "D", KERMA_UNITS)),
        "risk",
        {"sex": "F", "endpoint": "incidence", "age": "34", "age-unit": "y", "dose": "10",
         "dose-unit": "mGy"},
        draws_on=("risk-by-age/",), others=_ONE_IN,
    ),
)  # fmt: skip
