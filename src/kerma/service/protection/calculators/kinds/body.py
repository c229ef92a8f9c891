"""Calculators of dose to the fetus and of risk."""

from __future__ import annotations

from typing import Any

from kerma.core import Quantity
from kerma.physics import fetal, organ, risk, risk_words
from kerma.physics.calculation import Calculation
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Number, Text, fixed, named
from kerma.service.protection.calculators.kinds.common import KAP_UNITS, KERMA_UNITS

GROUP = "Dose in the body and risk"
_ONE_IN = {"one_in": "One in"}
_SV = ("mSv", "uSv", "Sv")
_COEFFICIENTS = ("mGy/(Gy.cm2)", "uGy/(Gy.cm2)", "mGy/mGy", "mGy/(mGy.cm)")
_POPULATION = Choice("population", "Population", fixed(*risk.POPULATIONS))


def _in_words(*, dose: Quantity, population: str, comparator: str) -> Calculation:
    found = risk.nominal_detriment(dose, population=population)
    return risk_words.in_words(found, effective_dose=dose, comparator=comparator)


def _fetal_words(*, dose: Quantity) -> Calculation:
    return risk_words.in_words(fetal.cancer_risk(dose))


def _organ(*, reading: Quantity, coefficient: Quantity, **said: Any) -> Calculation:
    return organ.dose(reading, coefficient, **said)


CALCULATORS = (
    Calculator(
        "organ-dose", "Organ dose by a named coefficient", GROUP,
        "Mean dose of an organ, or of the uterus, by a coefficient whose document you name.",
        _organ,
        (Text("organ", "Organ or tissue", hint="uterus for a fetus of the first weeks"),
         Number("reading", "Reading", "X", (*KAP_UNITS, *KERMA_UNITS, "mGy.cm", "Gy.cm"),
                hint="kerma-area product, entrance kerma, CTDIvol or DLP"),
         Number("coefficient", "Dose per reading", "c", _COEFFICIENTS),
         Text("document", "Coefficient from", hint="document, edition, table"),
         Text("conditions", "For", hint="projection, tube voltage, filtration, phantom, age")),
        "projection-dose",
        {"organ": "uterus", "reading": "1.2", "reading-unit": "Gy.cm2", "reading-u": "7 %",
         "coefficient": "1.5", "coefficient-unit": "mGy/(Gy.cm2)", "coefficient-u": "20 %",
         "document": "An example, from no document", "conditions": "an example"},
        covers=(organ.dose,),
    ),
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
        "fetal-cancer-risk", "Any childhood cancer after fetal dose", GROUP,
        "The additional risk of a childhood cancer, fatal or not, beside the natural one.",
        fetal.cancer_risk, (Number("dose", "Fetal dose", "D", KERMA_UNITS),),
        "risk", {"dose": "8", "dose-unit": "mGy", "dose-u": "30 %"}, draws_on=("fetal/risk/",),
        others={**_ONE_IN, "natural": "Natural risk to age 15",
                "of_natural": "Share of the natural risk"},
    ),
    Calculator(
        "fetal-risk-words", "Fetal risk in words", GROUP,
        "The risk of a childhood cancer as it may be told to a patient.",
        _fetal_words, (Number("dose", "Fetal dose", "D", KERMA_UNITS),),
        "risk", {"dose": "8", "dose-unit": "mGy"}, covers=(risk_words.in_words,),
        draws_on=("fetal/risk/", "risk-bands/"), others={"risk": "Risk"},
    ),
    Calculator(
        "risk-words", "Risk of an effective dose in words", GROUP,
        "A risk as it may be told to a patient: 1 in N, its band, and months of background.",
        _in_words,
        (_POPULATION, Number("dose", "Effective dose", "E", _SV),
         Choice("comparator", "Background of", named(risk_words.comparators))),
        "risk", {"population": "whole population", "dose": "5.6", "dose-unit": "mSv",
                 "comparator": "UK-2010"},
        covers=(risk_words.in_words,),
        draws_on=("icrp103/nominal", "risk-bands/", "research/background_comparators/"),
        others={"risk": "Risk", "background_years": "Years of background"},
    ),
    Calculator(
        "risk-nominal", "Nominal detriment from effective dose", GROUP,
        "A detriment averaged over sex and age, for comparing procedures and for words in bands.",
        risk.nominal_detriment,
        (_POPULATION,
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
