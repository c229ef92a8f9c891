"""Read a protocol file into a `Protocol`, or say everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kerma.core import InputError, Level, Quantity, Source, Unit, content_hash, unit
from kerma.protocols.checks import check
from kerma.protocols.errors import ProtocolError
from kerma.protocols.formula import parse_formula
from kerma.protocols.marked import Path, read_marked
from kerma.protocols.model import (
    PHASES,
    USUAL_PHASES,
    AnalysisSpec,
    ImageSpec,
    InstrumentSpec,
    Protocol,
    ReadingSpec,
    SetupSpec,
    TestSpec,
)
from kerma.protocols.names import setups_of
from kerma.protocols.reader import Reader
from kerma.reference import criterion
from kerma.reference.criteria import CLASSES

# What a reading of a unit measures, when the file does not say: names of certificate factors.
_QUANTITIES = {
    "kV": "tube voltage",
    "Gy": "air kerma",
    "Gy/s": "air kerma rate",
    "s": "exposure time",
    "mm Al": "half-value layer",
    "Gy.m2": "kerma-area product",
    "Gy.m": "air kerma length",
    "Sv/h": "ambient dose equivalent rate",
    "cd/m2": "luminance",
    "lx": "illuminance",
    "m": "length",
}
_YES_NO = ("pass_fail", "yes/no")


def parse_protocol(text: str, name: str = "protocol") -> Protocol:
    """Read a protocol from its text.

    Parameters
    ----------
    text
        The YAML.
    name
        What to call the file in messages.

    Raises
    ------
    ProtocolError
        With every mistake found: file, line, key and what was expected.

    """
    reader = Reader(read_marked(text, name), name)
    protocol = _protocol(reader, text)
    if not reader.problems:
        protocol = _with_setups(protocol)
        check(protocol, reader)
    if reader.problems:
        raise ProtocolError(reader.problems)
    return protocol


def _with_setups(protocol: Protocol) -> Protocol:
    """Name the setup of every test whose readings share one."""
    tests = []
    for test in protocol.tests:
        found = setups_of(protocol, test)
        tests.append(replace(test, setup=found[0]) if len(found) == 1 else test)
    return replace(protocol, tests=tuple(tests))


def _protocol(r: Reader, text: str) -> Protocol:
    top = r.mapping(
        (),
        required=("protocol", "version", "title", "equipment", "levels_from", "tests"),
        optional=("description", "instruments", "setups", "readings", "images"),
    )
    setups = {name: _setup(r, ("setups", name)) for name in _named(r, top, "setups")}
    return Protocol(
        id=r.text(("protocol",)),
        version=r.whole(("version",), 1),
        title=r.text(("title",)),
        description=r.text(("description",)),
        equipment=r.words(("equipment",)),
        levels_from=r.words(("levels_from",)),
        instruments={
            name: _instrument(r, ("instruments", name)) for name in _named(r, top, "instruments")
        },
        setups=setups,
        readings=tuple(_reading(r, path, setups) for path in r.items(("readings",))),
        images=tuple(_image(r, path, setups) for path in r.items(("images",))),
        tests=tuple(_test(r, path, setups) for path in r.items(("tests",))),
        source=text,
        sha256=content_hash(text.encode()),
    )


def _named(r: Reader, top: Mapping[str, Any], key: str) -> list[str]:
    return list(r.mapping((key,))) if top.get(key) is not None else []


def _instrument(r: Reader, path: Path) -> InstrumentSpec:
    r.mapping(path, required=("title", "kind"))
    return InstrumentSpec(str(path[-1]), r.text((*path, "title")), r.text((*path, "kind")))


def _setup(r: Reader, path: Path) -> SetupSpec:
    found = r.mapping(path)
    if not found.get("title"):
        r.problem(path, "“title” is missing.", "a title such as 80 kV, 20 mAs, broad focus, 1 m")
    values: dict[str, Quantity | str] = {}
    for key, value in found.items():
        if key == "title":
            continue
        word = str(value)
        # A value that starts like a number is a quantity, and then its unit must be known.
        if word[:1].isdigit() or word[:1] in "+-.":
            quantity = r.quantity((*path, key))
            if quantity is not None:
                values[key] = quantity
        else:
            values[key] = r.text((*path, key))
    return SetupSpec(str(path[-1]), r.text((*path, "title")), values)


def _setup_name(r: Reader, path: Path, setups: Mapping[str, SetupSpec]) -> str | None:
    return r.choice(path, setups) or None


def _reading(r: Reader, path: Path, setups: Mapping[str, SetupSpec]) -> ReadingSpec:
    found = r.mapping(
        path,
        required=("id", "title", "unit"),
        optional=(
            "setup", "repeats", "minimum", "instrument", "quantity", "hint", "points",
        ),
    )  # fmt: skip
    functional = found.get("unit") in _YES_NO
    of = _unit(r, (*path, "unit"))
    points = _points(r, (*path, "points")) if found.get("points") is not None else {}
    longest = max((len(p) for p in points.values()), default=1)
    repeats = r.whole((*path, "repeats"), longest)
    minimum = r.whole((*path, "minimum"), repeats)
    if minimum > repeats:
        r.problem((*path, "minimum"), f"{minimum} is more than {repeats} repeats.", "fewer")
    for name, values in points.items():
        if len(values) != repeats:
            r.problem(
                (*path, "points", name),
                f"There are {len(values)} points for {repeats} readings.",
                f"{repeats} points",
            )
    return ReadingSpec(
        id=r.identifier((*path, "id")),
        title=r.text((*path, "title")),
        unit=of,
        setup=_setup_name(r, (*path, "setup"), setups),
        repeats=repeats,
        minimum=minimum,
        instrument=r.text((*path, "instrument")) or None,
        quantity=r.text((*path, "quantity")) or ("" if functional else _quantity(of)),
        functional=functional,
        hint=r.text((*path, "hint")),
        points=points,
    )


def _unit(r: Reader, path: Path) -> Unit:
    """Return a unit; a yes/no check is a plain 1 or 0."""
    return unit("1") if r.get(path) in _YES_NO else r.unit(path)


def _quantity(of: Unit) -> str:
    return next((q for symbol, q in _QUANTITIES.items() if unit(symbol).same_kind(of)), "")


def _points(r: Reader, path: Path) -> dict[str, tuple[Quantity, ...]]:
    return {
        name: tuple(q for item in r.items((*path, name)) if (q := r.quantity(item)) is not None)
        for name in r.mapping(path)
    }


def _image(r: Reader, path: Path, setups: Mapping[str, SetupSpec]) -> ImageSpec:
    r.mapping(path, required=("id", "title"), optional=("count", "setup", "hint", "analyses"))
    return ImageSpec(
        id=r.identifier((*path, "id")),
        title=r.text((*path, "title")),
        count=r.whole((*path, "count"), 1, least=0),
        setup=_setup_name(r, (*path, "setup"), setups),
        hint=r.text((*path, "hint")),
        analyses=tuple(_analysis(r, item) for item in r.items((*path, "analyses"))),
    )


def _analysis(r: Reader, path: Path) -> AnalysisSpec:
    found = r.mapping(path, required=("id", "analysis"), optional=("parameters", "values"))
    units = (*path, "values")
    return AnalysisSpec(
        id=r.identifier((*path, "id")),
        analysis=r.analysis_name((*path, "analysis")),
        parameters=dict(r.mapping((*path, "parameters")) if found.get("parameters") else {}),
        values={name: r.unit((*units, name)) for name in r.mapping(units)}
        if found.get("values")
        else {},
    )


def _test(r: Reader, path: Path, setups: Mapping[str, SetupSpec]) -> TestSpec:
    found = r.mapping(
        path,
        required=("id", "title", "section", "formula", "unit"),
        optional=(
            "test_id", "levels", "record_only", "setup", "nominal", "context", "phases", "level",
            "frequency_months", "performer", "default", "basis", "method",
        ),
    )  # fmt: skip
    name = r.identifier((*path, "id"))
    contexts = r.mapping((*path, "context")) if found.get("context") else {}
    context = {key: r.formula((*path, "context", key)) for key in contexts}
    return TestSpec(
        id=name,
        title=r.text((*path, "title")),
        section=r.text((*path, "section")),
        formula=r.formula((*path, "formula")) or parse_formula("0"),
        unit=_unit(r, (*path, "unit")),
        test_ids=r.words((*path, "test_id")),
        setup=_setup_name(r, (*path, "setup"), setups),
        nominal=r.formula((*path, "nominal")),
        context={key: f for key, f in context.items() if f is not None},
        phases=r.words((*path, "phases"), PHASES) or USUAL_PHASES,
        level=r.choice((*path, "level"), ("A", "B"), "B"),
        frequency_months=r.number((*path, "frequency_months")),
        performer=r.text((*path, "performer"), "technologist"),
        default=r.flag((*path, "default"), True),
        basis=r.text((*path, "basis")),
        method=r.text((*path, "method")),
        local=tuple(
            level
            for item in r.items((*path, "levels"))
            if (level := _local(r, item, name)) is not None
        ),
        record_only=r.text((*path, "record_only")),
    )


def _local(r: Reader, path: Path, test: str) -> Level | None:
    """Read a level of the service's own; it names its document like any other."""
    found = r.mapping(path)
    class_ = r.choice((*path, "class"), CLASSES)
    document = r.text((*path, "document"))
    if not class_ or not document:
        r.problem(path, "A local level is not complete.", "class, document and one criterion")
        return None
    spec = {k: v for k, v in found.items() if k not in ("class", "document", "edition")}
    try:
        rule = criterion("functional" if "functional" in spec else spec)
    except InputError as error:
        r.problem(path, error.message, "a criterion such as max: 5 %")
        return None
    source = Source(
        row=f"local/{r.get(('protocol',))}/{test}",
        document=document,
        confidence="local",
        sha256=content_hash({"class": class_, "document": document, "rule": rule.as_dict()}),
        edition=r.text((*path, "edition")),
    )
    return Level(test, class_, rule, source)
