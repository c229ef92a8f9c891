"""Whether a slice shows a test object: plain, or at least round, as no patient is."""

from __future__ import annotations

from kerma.core import AnalysisError, Image, InputError
from kerma.imaging import identity
from kerma.imaging.tools import disc


def require_test_object(image: Image, pixel_mm: float) -> None:
    """Refuse a slice that looks like a patient, unless its outline is a circle.

    A phantom with many inserts, seen by cone-beam CT, may hold as much structure as a patient; the
    outline of a patient strays from a circle by far more than the 1 % `disc.find` allows.

    Raises
    ------
    InputError
        Code ``clinical-looking``.
    """
    try:
        identity.require_not_clinical(image)
    except InputError:
        try:
            disc.find(image.pixels.astype(float), pixel_mm)
        except AnalysisError:
            pass
        else:
            return
        raise
