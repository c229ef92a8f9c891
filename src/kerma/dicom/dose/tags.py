"""The DICOM elements a structured report is made of, as the reader sees them.

A tag is the little-endian integer of its four stored bytes (element << 16 | group), so that no
byte has to be moved while reading.
"""

from __future__ import annotations


def tag(group: int, element: int) -> int:
    """Return a tag as stored."""
    return element << 16 | group


ITEM = tag(0xFFFE, 0xE000)
ITEM_END = tag(0xFFFE, 0xE00D)
SEQUENCE_END = tag(0xFFFE, 0xE0DD)

CHARACTER_SET = tag(0x0008, 0x0005)
CODE_VALUE = tag(0x0008, 0x0100)
CODE_SCHEME = tag(0x0008, 0x0102)
CODE_MEANING = tag(0x0008, 0x0104)
LONG_CODE_VALUE = tag(0x0008, 0x0119)
URN_CODE_VALUE = tag(0x0008, 0x0120)
REFERENCED_SOP = tag(0x0008, 0x1199)
REFERENCED_UID = tag(0x0008, 0x1155)
UNIT = tag(0x0040, 0x08EA)
VALUE_TYPE = tag(0x0040, 0xA040)
CONCEPT = tag(0x0040, 0xA043)
DATETIME = tag(0x0040, 0xA120)
DATE = tag(0x0040, 0xA121)
TIME = tag(0x0040, 0xA122)
PERSON = tag(0x0040, 0xA123)
UID = tag(0x0040, 0xA124)
TEXT = tag(0x0040, 0xA160)
CODE = tag(0x0040, 0xA168)
MEASURED = tag(0x0040, 0xA300)
NUMBER = tag(0x0040, 0xA30A)
TEMPLATE = tag(0x0040, 0xA504)
TEMPLATE_ID = tag(0x0040, 0xDB00)
CONTENT = tag(0x0040, 0xA730)

# Elements the reader takes a value from, with the VR they must have (PS3.6).
KNOWN: dict[int, bytes] = {
    CHARACTER_SET: b"CS",
    CODE_VALUE: b"SH",
    CODE_SCHEME: b"SH",
    CODE_MEANING: b"LO",
    LONG_CODE_VALUE: b"UC",
    URN_CODE_VALUE: b"UR",
    REFERENCED_SOP: b"SQ",
    REFERENCED_UID: b"UI",
    UNIT: b"SQ",
    VALUE_TYPE: b"CS",
    CONCEPT: b"SQ",
    DATETIME: b"DT",
    DATE: b"DA",
    TIME: b"TM",
    PERSON: b"PN",
    UID: b"UI",
    TEXT: b"UT",
    CODE: b"SQ",
    MEASURED: b"SQ",
    NUMBER: b"DS",
    TEMPLATE: b"SQ",
    TEMPLATE_ID: b"CS",
    CONTENT: b"SQ",
}

# Text-bearing element of each kind of content item.
TEXT_OF_KIND: dict[str, int] = {
    "TEXT": TEXT,
    "UIDREF": UID,
    "DATETIME": DATETIME,
    "DATE": DATE,
    "TIME": TIME,
    "PNAME": PERSON,
}

SHORT_VR = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_VR = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())

# Header elements the records need (PS3.6), with their VR; all are text.
HEADER: dict[int, bytes] = {
    tag(group, element): vr
    for group, element, vr in (
        (0x0008, 0x0005, b"CS"),
        (0x0008, 0x0016, b"UI"),
        (0x0008, 0x0018, b"UI"),
        (0x0008, 0x0020, b"DA"),
        (0x0008, 0x0023, b"DA"),
        (0x0008, 0x0030, b"TM"),
        (0x0008, 0x0033, b"TM"),
        (0x0008, 0x0050, b"SH"),
        (0x0008, 0x0060, b"CS"),
        (0x0008, 0x0070, b"LO"),
        (0x0008, 0x0080, b"LO"),
        (0x0008, 0x0081, b"ST"),
        (0x0008, 0x0090, b"PN"),
        (0x0008, 0x0201, b"SH"),
        (0x0008, 0x1010, b"SH"),
        (0x0008, 0x1030, b"LO"),
        (0x0008, 0x103E, b"LO"),
        (0x0008, 0x1040, b"LO"),
        (0x0008, 0x1050, b"PN"),
        (0x0008, 0x1070, b"PN"),
        (0x0008, 0x1090, b"LO"),
        (0x0010, 0x0010, b"PN"),
        (0x0010, 0x0020, b"LO"),
        (0x0010, 0x0021, b"LO"),
        (0x0010, 0x0030, b"DA"),
        (0x0010, 0x0040, b"CS"),
        (0x0010, 0x1010, b"AS"),
        (0x0010, 0x1020, b"DS"),
        (0x0010, 0x1030, b"DS"),
        (0x0018, 0x1000, b"LO"),
        (0x0018, 0x1020, b"LO"),
        (0x0020, 0x000D, b"UI"),
        (0x0020, 0x000E, b"UI"),
        (0x0020, 0x0010, b"SH"),
        (0x0032, 0x1060, b"LO"),
        (0x0040, 0xA491, b"CS"),
        (0x0040, 0xA493, b"CS"),
    )
}
