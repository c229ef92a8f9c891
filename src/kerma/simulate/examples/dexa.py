"""Examples of the measurements on bone densitometers."""

from __future__ import annotations

import numpy as np

from kerma.simulate import tables
from kerma.simulate.examples import Example, example


@example("dexa-constancy")
def constancy() -> Example:
    """Return 120 daily scans with a step of 1.5 % after the 60th."""
    dates, bmd = tables.bmd_series(120, step_percent=1.5, step_at=60)
    truth = {"baseline_mean": 1.0, "baseline_cv": 0.4, "step": 1.5, "cusum_change": 1.5}
    return Example((), {"dates": dates, "bmd_g_cm2": bmd}, truth)


@example("dexa-precision")
def precision() -> Example:
    """Return 30 subjects scanned twice with a precision error of 0.010 g/cm²."""
    subject, bmd = tables.repeats(30, 2)
    return Example((), {"subject": subject, "bmd_g_cm2": bmd}, {"rms_sd": 0.010, "lsc": 0.0277})


@example("dexa-cross-calibration")
def cross_calibration() -> Example:
    """Return 30 subjects on two systems, the other reading 1.02 times the reference + 0.01."""
    random = np.random.default_rng(1)
    true = random.uniform(0.6, 1.4, 30)
    reference = true + random.normal(0, 0.008, 30)
    other = 0.01 + 1.02 * true + random.normal(0, 0.008, 30)
    parameters = {"reference_g_cm2": [float(v) for v in reference],
                  "other_g_cm2": [float(v) for v in other]}  # fmt: skip
    return Example((), parameters, {"slope": 1.02, "intercept": 0.01})
