"""Checks across a protocol: ids, references, units of every formula, and levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches

from kerma.core import Criterion, InputError, unit
from kerma.protocols.errors import ProtocolError
from kerma.protocols.formula import Formula, Shape, infer
from kerma.protocols.levels import reference_levels
from kerma.protocols.marked import Path, read_marked
from kerma.protocols.model import Protocol, TestSpec
from kerma.protocols.names import setups_of, shapes
from kerma.protocols.parameters import reading_named
from kerma.protocols.reader import Reader
from kerma.reference import rows


def check(protocol: Protocol, reader: Reader) -> None:
    """Add a problem to the reader for everything in the protocol that does not fit together."""
    _unique(protocol, reader)
    _references(protocol, reader)
    _parameters(protocol, reader)
    for i, test in enumerate(protocol.tests):
        path: Path = ("tests", i)
        _levels(protocol, test, path, reader)
        _formulas(protocol, test, path, reader)


def check_analyses(protocol: Protocol) -> None:
    """Check that every image measurement a protocol asks for exists.

    Kept apart from reading, because a protocol may be read where the measurements are not.

    Raises
    ------
    ProtocolError
        With the line of each name that is not a measurement.
    """
    from kerma.imaging.registry import all_measurements

    known = {*all_measurements(), "auto"}
    reader = Reader(read_marked(protocol.source, f"{protocol.id}.yaml"), f"{protocol.id}.yaml")
    for i, image in enumerate(protocol.images):
        for j, analysis in enumerate(image.analyses):
            if analysis.analysis not in known:
                near = get_close_matches(analysis.analysis, known, 1)
                hint = f"“{near[0]}”?" if near else "one of " + ", ".join(known)
                path: Path = ("images", i, "analyses", j, "analysis")
                reader.problem(path, f"There is no analysis “{analysis.analysis}”.", hint)
    if reader.problems:
        raise ProtocolError(reader.problems)


def _unique(protocol: Protocol, reader: Reader) -> None:
    """Names formulas can use share one space; tests and image slots have their own."""
    named: list[tuple[str, Path]] = [
        *((r.id, ("readings", i, "id")) for i, r in enumerate(protocol.readings)),
        *((s, ("setups", s)) for s in protocol.setups),
        *(
            (a.id, ("images", i, "analyses", j, "id"))
            for i, m in enumerate(protocol.images)
            for j, a in enumerate(m.analyses)
        ),
    ]
    tests: list[tuple[str, Path]] = [
        (t.id, ("tests", i, "id")) for i, t in enumerate(protocol.tests)
    ]
    images: list[tuple[str, Path]] = [
        (m.id, ("images", i, "id")) for i, m in enumerate(protocol.images)
    ]
    for group in (named, images, tests):
        often = Counter(name for name, _ in group)
        for name, path in group:
            if often[name] > 1:
                reader.problem(path, f"The id “{name}” is used more than once.", "a new id")
    for name, path in named:
        if name == "setup":
            reader.problem(path, "“setup” stands for a test's own setup.", "another id")


def _references(protocol: Protocol, reader: Reader) -> None:
    for i, reading in enumerate(protocol.readings):
        if reading.instrument and reading.instrument not in protocol.instruments:
            reader.problem(
                ("readings", i, "instrument"),
                f"There is no instrument “{reading.instrument}” in this protocol.",
                "one of " + ", ".join(protocol.instruments),
            )
    known = {r.text("modality") for r in rows("qa-tests")}
    for i, modality in enumerate(protocol.levels_from):
        if modality not in known:
            reader.problem(
                ("levels_from", i),
                f"The reference data have no modality “{modality}”.",
                "one of " + ", ".join(sorted(known)),
            )


def _parameters(protocol: Protocol, reader: Reader) -> None:
    """A parameter that is a reading names one, in a unit it can be given in."""
    units = {r.id: r.unit for r in protocol.readings}
    for i, image in enumerate(protocol.images):
        for j, analysis in enumerate(image.analyses):
            for name, value in analysis.parameters.items():
                named = reading_named(value)
                if named is None:
                    continue
                path: Path = ("images", i, "analyses", j, "parameters", name)
                if named[0] not in units:
                    said = f"There is no reading “{named[0]}”."
                    reader.problem(path, said, "one of " + ", ".join(units))
                    continue
                try:
                    fits = unit(named[1]).same_kind(units[named[0]])
                except InputError as error:
                    reader.problem(path, error.message, f"a unit like {units[named[0]]}")
                    continue
                if not fits:
                    said = f"“{named[0]}” is in {units[named[0]]}, not {named[1]}."
                    reader.problem(path, said, f"a unit like {units[named[0]]}")


def _levels(protocol: Protocol, test: TestSpec, path: Path, reader: Reader) -> None:
    found = list(test.local)
    for name in test.test_ids:
        try:
            from_row = reference_levels(protocol, name)
        except InputError as error:
            reader.problem((*path, "test_id"), error.message, "a row of the reference data")
            return
        if not from_row:
            said = f"The row {name} has no level that can be used."
            reader.problem((*path, "test_id"), said, "another row, or record_only with the reason")
            return
        found += from_row
    if not found and not test.record_only:
        reader.problem(
            path,
            f"The test “{test.id}” has no level.",
            "test_id, levels, or record_only with the reason",
        )
    if found and test.record_only:
        said = "A test that is recorded only has no levels."
        reader.problem((*path, "record_only"), said, "either levels or record_only")
    provided = {"baseline", *test.context, *(["nominal"] if test.nominal else [])}
    for need in sorted(frozenset[str]().union(*(lv.criterion.needs() for lv in found)) - provided):
        key = "nominal" if need == "nominal" else f"context: {{{need}: ...}}"
        reader.problem(path, f"A level of “{test.id}” needs the {need}.", key)
    for level in found:
        _level_units(test, level.criterion, path, reader)


def _level_units(test: TestSpec, rule: Criterion, path: Path, reader: Reader) -> None:
    bounds = [rule.low, rule.high] if rule.kind != "percent" else []
    bounds += [bound for _, bound in rule.points]
    for bound in bounds:
        if bound is not None and not bound.unit.same_kind(test.unit):
            reader.problem(
                (*path, "unit"),
                f"A level of “{test.id}” is in {bound.unit}, which {test.unit} cannot be "
                "compared with.",
                f"a unit like {bound.unit}",
            )
            return
    for part in rule.parts:
        _level_units(test, part, path, reader)


def _formulas(protocol: Protocol, test: TestSpec, path: Path, reader: Reader) -> None:
    names = shapes(protocol, test)
    several = len(setups_of(protocol, test)) > 1
    for key, formula in _keyed(test):
        where = (*path, *key)
        try:
            shape = infer(formula, names)
        except InputError as error:
            hint = ""
            if several and any(n.startswith("setup.") for n in formula.names):
                hint = "its readings have different setups: write <setup id>.x, or give “setup”"
            reader.problem(where, error.message, hint or "a formula whose units fit")
            continue
        if shape.length is not None:
            said = f"The formula gives {shape.length} values."
            reader.problem(where, said, "one value: use mean, max, ...")
        wanted = Shape.of(test.unit)
        fits = shape.dimensions in (None, wanted.dimensions)
        if key[0] in ("formula", "nominal") and not fits:
            reader.problem(
                where,
                f"The formula gives {shape}, but the test's unit is {test.unit}.",
                f"a formula in {test.unit}",
            )


def _keyed(test: TestSpec) -> Iterator[tuple[Path, Formula]]:
    yield ("formula",), test.formula
    if test.nominal:
        yield ("nominal",), test.nominal
    for name, formula in test.context.items():
        yield ("context", name), formula
