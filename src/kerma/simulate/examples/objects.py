"""Examples of the planar test objects, drawn from the objects' own descriptions."""

from __future__ import annotations

from kerma.simulate import cdrad, objects
from kerma.simulate.examples import Example, example


@example("leeds-tor-18fg")
def tor_18fg() -> Example:
    """Return a TOR 18FG turned by 12 degrees, 0.2 mm pixels."""
    scan = objects.ObjectImage("leeds-tor-18fg", turn_deg=12.0)
    return Example((objects.image(scan),), truth=_tor_truth(scan, "low_contrast"))


@example("leeds-tor-cdr")
def tor_cdr() -> Example:
    """Return a TOR CDR seen from the other side and turned, 0.2 mm pixels."""
    scan = objects.ObjectImage("leeds-tor-cdr", turn_deg=-40.0, mirrored=True)
    return Example((objects.image(scan),), truth=_tor_truth(scan, "large"))


def _tor_truth(scan: objects.ObjectImage, group: str) -> dict[str, float]:
    per_noise = scan.level / scan.noise
    cnr = {
        f"{group}_cnr_{i}": contrast * per_noise
        for i, contrast in enumerate(scan.contrast(group), 1)
        if i % 4 == 1
    }
    return {"rotation": scan.turn_deg, "magnification": 1.0, **cnr}


@example("leeds-to20")
def to20() -> Example:
    """Return one image of a TO20 with the contrasts of its details and readings of a person."""
    return _threshold("leeds-to20", 12, 1600, 6.5)


@example("leeds-to10")
def to10() -> Example:
    """Return one image of a TO10 with the contrasts of its details and readings of a person."""
    return _threshold("leeds-to10", 9, 1400, 7.0)


def _threshold(key: str, count: int, side: int, pixels_per_mm: float) -> Example:
    scan = objects.ObjectImage(
        key, side=(side, side), pixels_per_mm=pixels_per_mm, turn_deg=25.0, noise=100.0
    )
    contrasts = objects.threshold_contrasts(count)
    parameters = {
        "contrasts": {name: list(values) for name, values in contrasts.items()},
        "human_seen": dict.fromkeys(contrasts, count // 2),
    }
    truth = {"rotation": 25.0, "magnification": 1.0}
    return Example((objects.image(scan),), parameters, truth)


@example("cdrad")
def cdrad_phantom() -> Example:
    """Return four images of a CDRAD-like phantom, with its key."""
    scan = cdrad.CdradImage(side=(1300, 1300), pixel_mm=0.2, turn_deg=1.5, noise=40.0)
    clean = cdrad.expected(scan)
    images = tuple(cdrad.image(cdrad.with_seed(scan, seed), clean) for seed in range(4))
    return Example(images, {"corners": cdrad.key()}, {"rotation": 1.5, "pitch": 16.0})
