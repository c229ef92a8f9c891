"""The fast reader and pydicom give the same tree, or both refuse, whatever is done to the bytes."""

from __future__ import annotations

import contextlib
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from kerma.core import InputError, KermaError
from kerma.dicom.dose import envelope, read_report
from kerma.dicom.dose.source import Engine, read_tree
from kerma.dicom.dose.tree import Tree
from tests.dicom import build, makers

SYNTAXES = {
    "explicit": (ExplicitVRLittleEndian, False),
    "explicit-undefined": (ExplicitVRLittleEndian, True),
    "implicit": (ImplicitVRLittleEndian, False),
    "implicit-undefined": (ImplicitVRLittleEndian, True),
    "deflated": (DeflatedExplicitVRLittleEndian, False),
}


def sample(**header: Any) -> Dataset:
    return build.report(
        [
            build.code(
                build.dcm("121058", "Procedure reported"),
                build.dcm("113704", "Projection X-Ray"),
                [build.code(("G-C0E8", "SRT", "Has Intent"), ("R-408C3", "SRT", "Diagnostic"))],
            ),
            build.total("2.0e-06", "0.0002"),
            build.fluoro(1),
            build.fluoro(
                2,
                items=[
                    build.text(build.dcm("121106", "Comment"), "naïve ° Müller"),
                    build.image_ref("1.2.3.99"),
                ],
            ),
        ],
        SpecificCharacterSet="ISO_IR 100",
        **header,
    )


FILES = {
    name: build.encode(sample(), syntax, undefined=undefined)
    for name, (syntax, undefined) in SYNTAXES.items()
}

CORPUS = FILES | {
    f"{name}, {kind}": build.encode(dataset, syntax)
    for name, (dataset, _) in makers.REPORTS.items()
    for kind, syntax in (("explicit", ExplicitVRLittleEndian), ("implicit", ImplicitVRLittleEndian))
}


def outcome(data: bytes, engine: Engine) -> Tree | str:
    try:
        return read_tree(data, "report", engine)
    except KermaError as error:
        return error.code


@pytest.mark.parametrize("name", FILES)
def test_every_transfer_syntax_gives_the_same_report(name: str) -> None:
    fast, slow = outcome(FILES[name], "fast"), outcome(FILES[name], "pydicom")
    assert isinstance(fast, Tree)
    assert fast == slow
    plain = outcome(FILES["explicit"], "pydicom")
    assert isinstance(plain, Tree)
    assert fast.items == plain.items


def test_the_fast_reader_needs_no_help_with_what_the_standard_allows() -> None:
    from kerma.dicom.dose.reader import Reader

    for data in FILES.values():
        reader = Reader(envelope.open_envelope(data, "report"), "report")
        reader.read()
        assert reader.surprise == ""


mutations = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "double", "end"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.integers(0, 255), st.sampled_from([0x00, 0xFF, 0xFE, 0x40, 0x08])),
        st.sampled_from([1, 2, 8, 16]),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, changes: list[tuple[str, float, int, int]]) -> bytes:
    body = bytearray(data)
    for kind, where, value, count in changes:
        if len(body) < 160:
            break
        at = 132 + int(where * (len(body) - 132))
        if kind == "set":
            body[at] = value
        elif kind == "flip":
            body[at] ^= 1 << (value % 8)
        elif kind == "cut":
            del body[at : at + count]
        elif kind == "double":
            body[at:at] = body[at : at + count]
        else:
            del body[at:]
    return bytes(body)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(CORPUS)), mutations)
def test_damage_is_treated_alike_by_both_readers(
    name: str, changes: list[tuple[str, float, int, int]]
) -> None:
    data = mutated(CORPUS[name], changes)
    assert outcome(data, "fast") == outcome(data, "pydicom")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(CORPUS)), mutations)
def test_damage_never_ends_in_anything_but_a_kerma_error(
    name: str, changes: list[tuple[str, float, int, int]]
) -> None:
    with contextlib.suppress(KermaError):
        read_report(mutated(CORPUS[name], changes))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused(noise: bytes) -> None:
    for data in (noise, b"\0" * 128 + b"DICM" + noise):
        with pytest.raises(KermaError):
            read_report(data)


@pytest.mark.parametrize("name", ["explicit", "explicit-undefined", "implicit"])
def test_a_report_cut_short_anywhere_is_refused(name: str) -> None:
    data = FILES[name]
    content = len(data) - len(data) // 2
    for length in range(content, len(data) - 1, 7):
        with pytest.raises(InputError):
            read_report(data[:length])


def test_deep_nesting_is_refused_not_followed() -> None:
    deepest = build.item("CONTAINER", build.dcm("1"))
    for _ in range(120):
        deepest = build.item("CONTAINER", build.dcm("1"), [deepest])
    data = build.encode(build.report([deepest]))
    with pytest.raises(InputError, match="damaged"):
        read_report(data)


def test_endless_nesting_of_open_sequences_is_refused() -> None:
    data = FILES["implicit"]
    start = struct.pack("<HHI", 0x0040, 0xA730, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    with pytest.raises(InputError):
        read_report(data + start * 50_000)


def test_a_small_file_that_inflates_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(envelope, "MAX_REPORT_BYTES", 1_000_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(b"\0" * 20_000_000) + packer.flush()
    head = FILES["deflated"][: FILES["deflated"].index(b"1.2.840.10008.1.2.1.99") + 22]
    _, start = envelope._meta(FILES["deflated"], 132, "x")
    assert len(head) <= start
    with pytest.raises(InputError, match="larger"):
        envelope.open_envelope(FILES["deflated"][:start] + bomb, "bomb")


def big_endian(data: bytes) -> bytes:
    """Write an object big endian, as old archives hold them."""
    dataset = dcmread(BytesIO(data))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    for _ in dataset.iterall():
        pass
    out = BytesIO()
    dcmwrite(out, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    return out.getvalue()


BIG = big_endian(FILES["explicit"])


@pytest.mark.parametrize("name", ["explicit", "explicit-undefined"])
def test_big_endian_reads_the_same(name: str) -> None:
    plain = envelope.open_envelope(FILES[name], name)
    turned = envelope.open_envelope(big_endian(FILES[name]), name)
    assert turned.body == plain.body
    assert read_report(big_endian(FILES[name])).events == read_report(FILES[name]).events


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_big_endian_cut_short_anywhere_is_refused(data: st.DataObject) -> None:
    cut = data.draw(st.integers(140, len(BIG) - 1))
    with pytest.raises(KermaError):
        read_report(BIG[:cut])


def test_without_preamble() -> None:
    assert len(read_report(FILES["explicit"][132:]).events) == 2


def test_without_file_meta_information() -> None:
    _, start = envelope._meta(FILES["implicit"], 132, "x")
    assert len(read_report(FILES["implicit"][start:]).events) == 2


def test_text_is_decoded_by_its_character_set() -> None:
    assert read_report(FILES["explicit"]).events[1].comment == "naïve ° Müller"


def test_an_odd_vr_is_left_to_pydicom_and_read() -> None:
    data = FILES["explicit"]
    at = data.index(b"\x40\x00\x0a\xa3DS") + 4
    odd = data[:at] + b"UT"[:0] + b"LO" + data[at + 2 :]
    fast, slow = outcome(odd, "fast"), outcome(odd, "pydicom")
    assert isinstance(fast, Tree)
    assert fast == slow
