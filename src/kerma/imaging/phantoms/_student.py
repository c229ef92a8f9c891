"""Standard uncertainties from a few readings."""

from __future__ import annotations

from kerma.imaging.tools.untyped import special


def student(freedom: int) -> float:
    """Return Student's 95.45 % factor for so many degrees of freedom over the normal one, 2."""
    return float(special.stdtrit(freedom, 0.97725)) / 2.0
