"""The standing text of a survey report, in one place so that it can be read and argued about."""

from __future__ import annotations

DEMO = (
    "Demonstration service: simulated hospitals, equipment, people and results. "
    "Not a record of any real equipment."
)
DRAFT = "DRAFT – not for use"

RECOMMENDATION = {
    "use": "Suitable for clinical use",
    "use with conditions": "Suitable for clinical use with conditions",
    "do not use": "Not to be used clinically",
    "no recommendation": "No recommendation on use is made",
}
EMPLOYER_DECIDES = (
    "This is the recommendation of the medical physics service. The decision to use the "
    "equipment is the employer’s.",
    "The decision to use the equipment is the employer’s.",
)

# Each sentence states what `kerma.core.verdict.judge` does.
HOW_JUDGED = (
    "Each result was compared with every level listed beside it, before any rounding. The decision "
    "rule is simple acceptance (JCGM 106:2012, 8.2): the measured value itself decides, and the "
    "measurement uncertainty neither widens nor narrows a level.",
    "A value exactly on a bound satisfies the level, unless the level is written with < or >. "
    "The most serious level exceeded gives the verdict: suspension before remedial.",
    "± is the expanded uncertainty U = k·u with k = 2 unless another k is stated (a coverage "
    "probability of about 95 % for a normal distribution). A result without ± has no evaluated "
    "uncertainty. “Near limit” marks a result closer to a bound than its U: the verdict could be "
    "the other one within the uncertainty of the measurement.",
    "A missing value is never a pass and never zero. A test that was not done, does not apply, "
    "could not be measured, or has no baseline to be compared with is listed as such with the "
    "reason.",
    "A person’s decision on a result is printed beside the computed verdict and does not replace "
    "it.",
)
NEAR_LIMIT = "Near limit: the distance to a bound is smaller than U."
HASH_NOTE = (
    "The content of this report (all but its signatures) has the SHA-256 below. The file "
    "“{name}” attached to this PDF is that content; its own SHA-256 is the same value. The "
    "signatures are made on this value."
)
NOTHING_EXCEEDED = "No remedial or suspension level was exceeded."
NOTHING_JUDGED = "No result was compared with a level."
NO_ACTION = "A level is exceeded and no action is stated for: {titles}."
NO_RESULTS = "No test gave a result in this survey."
NO_SIGNATURES = "Not signed."
