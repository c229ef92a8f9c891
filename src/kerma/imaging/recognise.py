"""Which phantom a set of images shows, found in the images alone."""

from __future__ import annotations

from collections.abc import Sequence

from kerma.core import Image, InputError, KermaError
from kerma.imaging.registry import Measurement, all_measurements


def recognise(images: Sequence[Image]) -> Measurement:
    """Return the one measurement whose phantom the images show.

    Every measurement that can recognise its phantom is asked. None that says yes, or more than
    one, is a refusal: a phantom is never guessed.

    Raises
    ------
    InputError
        Codes ``not-recognised`` and ``ambiguous-phantom``, with what each said in ``detail``; the
        refusal itself when all refuse the images for one and the same reason (constant, too small,
        mixed series).
    """
    evidence: dict[str, str] = {}
    refusals: dict[str, KermaError] = {}
    for item in _askable(images):
        assert item.recognise is not None
        try:
            evidence[item.name] = item.recognise(images)
        except KermaError as refusal:
            refusals[item.name] = refusal
    if len(evidence) == 1:
        return all_measurements()[next(iter(evidence))]
    if evidence:
        raise InputError(
            "These images could be of more than one phantom: "
            + "; ".join(f"{name} ({why})" for name, why in evidence.items())
            + ". Name the analysis.",
            code="ambiguous-phantom",
            detail=evidence,
        )
    codes = {refusal.code for refusal in refusals.values()}
    if len(codes) == 1 and len(refusals) > 1 and codes.isdisjoint({"wrong-phantom"}):
        raise next(iter(refusals.values()))
    raise InputError(
        "No phantom was recognised in these images. Name the analysis if you know what they show; "
        "it will say why they do not fit.",
        code="not-recognised",
        detail={name: refusal.message for name, refusal in refusals.items()},
    )


def _askable(images: Sequence[Image]) -> list[Measurement]:
    """Return the measurements that know a phantom of these images' modality; all when none is."""
    able = [m for m in all_measurements().values() if m.recognise is not None]
    seen = {image.modality for image in images}
    return [m for m in able if seen & set(m.modalities)] or able
