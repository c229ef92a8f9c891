"""Where images of many frames keep what others keep at the root (PS3.3 C.7.6.16, C.8.21, C.8.31).

A tomosynthesis volume states its acquisition in the X-Ray 3D Acquisition Sequence, one item an
acquisition; a breast projection image of many frames states the dose with each frame.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset


def acquisitions(dataset: Dataset) -> list[Dataset]:
    """Return the data sets that together hold the technique and dose the root does not state."""
    items = dataset.get("XRay3DAcquisitionSequence")
    if items:
        return list(items)
    return [
        dose
        for frame in dataset.get("PerFrameFunctionalGroupsSequence") or ()
        for dose in frame.get("XRayAcquisitionDoseSequence") or ()
    ]


def text(dataset: Dataset, macro: str, keyword: str) -> str | None:
    """Return the text of an element of a functional group: the shared one, or the first frame's."""
    for group in _groups(dataset):
        for item in group.get(macro) or ():
            value = str(item.get(keyword) or "").strip()
            if value:
                return value
    return None


def _groups(dataset: Dataset) -> Iterator[Dataset]:
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        yield from (dataset.get(keyword) or ())[:1]
