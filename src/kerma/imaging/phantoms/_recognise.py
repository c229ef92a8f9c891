"""All models asked about one series at once, and the answer kept for those who ask next."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from kerma.core import Image, InputError, KermaError
from kerma.imaging.phantoms._describe import load_specs
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._spec import PhantomSpec
from kerma.imaging.phantoms._survey import prove, shortest_mm, survey

Outcomes = Mapping[str, str | KermaError]

_FACTS = (
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "ConvolutionKernel",
    "PatientPosition",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
)


def recognise(images: Sequence[Image], spec: PhantomSpec) -> str:
    """Return the evidence that images show a model, or refuse as a measurement would.

    Raises
    ------
    InputError
        The codes of `order_series`, `survey` and `prove`.
    """
    outcome = _LAST.outcomes(images)
    found = outcome[spec.key]
    if isinstance(found, str):
        return found
    raise type(found)(found.message, code=found.code, detail=found.detail)


class _Last:
    """The last series asked about and what each model said of it.

    Pixels are held weakly, and only those that cannot be written to: a changed picture is another
    picture, and no series is kept in memory for this.
    """

    def __init__(self) -> None:
        self._held: tuple[tuple[Any, ...], Outcomes] | None = None

    def outcomes(self, images: Sequence[Image]) -> Outcomes:
        held = self._held
        if held is not None and _same(held[0], images):
            return held[1]
        found = _asked(images)
        if images and not any(image.pixels.flags.writeable for image in images):
            self._held = (tuple(_key(image) for image in images), found)
        return found


_LAST = _Last()


def _asked(images: Sequence[Image]) -> Outcomes:
    specs = load_specs()
    try:
        seen = survey(order_series(images, needed_mm=shortest_mm()))
    except KermaError as refusal:
        return dict.fromkeys(specs, refusal)
    found: dict[str, str | KermaError] = {}
    for key, spec in specs.items():
        try:
            found[key] = prove(seen, spec).text(spec)
        except InputError as refusal:
            found[key] = refusal
    return found


def _key(image: Image) -> tuple[Any, ...]:
    return (weakref.ref(image.pixels), *_told(image))


def _told(image: Image) -> tuple[Any, ...]:
    facts = tuple(str(image.facts.get(word)) for word in _FACTS)
    return image.spacing_mm, image.z_mm, image.thickness_mm, image.modality, facts


def _same(key: tuple[Any, ...], images: Sequence[Image]) -> bool:
    return len(key) == len(images) and all(
        held() is image.pixels and tuple(told) == _told(image)
        for (held, *told), image in zip(key, images, strict=True)
    )
