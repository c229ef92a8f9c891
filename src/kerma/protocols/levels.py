"""Which levels a protocol's tests are judged by."""

from __future__ import annotations

from kerma.core import InputError, Level
from kerma.protocols.model import Protocol, TestSpec
from kerma.reference import levels, row


def reference_levels(protocol: Protocol, name: str) -> list[Level]:
    """Return the levels of one ``test_id`` of a protocol.

    The name is looked up in the modalities of ``levels_from`` in their order; ``modality/test_id``
    names one of them outright, and ``#case`` one of a row's cases.

    Raises
    ------
    InputError
        Code ``unknown-row``, ``case-needed`` or ``unknown-case``.

    """
    modality, _, test_id = name.rpartition("/")
    for candidate in [modality] if modality else protocol.levels_from:
        try:
            row(f"qa-tests/{candidate}/{test_id.partition('#')[0]}")
        except InputError:
            continue
        return levels(candidate, test_id)
    where = modality or ", ".join(protocol.levels_from)
    raise InputError(
        f"There is no reference row “{test_id.partition('#')[0]}” in {where}.", code="unknown-row"
    )


def levels_of_test(protocol: Protocol, test: TestSpec) -> list[Level]:
    """Return the levels of a test: of its reference rows in order, then the protocol's own."""
    found = [level for name in test.test_ids for level in reference_levels(protocol, name)]
    return found + list(test.local)


def default_levels(protocol: Protocol) -> dict[str, list[Level]]:
    """Return the levels of every test by test id; a service may replace any of them."""
    return {test.id: levels_of_test(protocol, test) for test in protocol.tests}
