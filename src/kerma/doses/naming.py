"""Which standard examination a description means: published rules, and suggestions for new ones.

Only a published rule names a study. A suggestion is shown to a person with its reason and is never
applied by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from kerma.core import InputError

FIELDS = ("code", "requested", "description", "protocol")
# What hospitals write for short; spelling only. Each is a word of its own.
_SHORT: Mapping[str, str] = {
    "abdo": "abdomen", "abd": "abdomen", "pelv": "pelvis", "thorax": "chest", "thx": "chest",
    "cxr": "chest", "tap": "chest abdomen pelvis", "cap": "chest abdomen pelvis", "ap": "ap",
    "kub": "kidneys ureters bladder", "ctpa": "pulmonary angiography", "cta": "angiography",
    "hd": "head", "brain": "head", "cspine": "cervical spine", "lspine": "lumbar spine",
    "lumb": "lumbar", "l/s": "lumbar spine", "cerv": "cervical", "hrct": "chest high resolution",
    "colon": "colonoscopy", "vc": "virtual colonoscopy",
}  # fmt: skip
_NOISE = frozenset({"ct", "xr", "with", "without", "contrast", "of", "and", "the", "adult", "both"})
# Suggestions less alike than this are noise to a reader. Design choice.
_LEAST_LIKE = 0.55


@dataclass(frozen=True, slots=True)
class Rule:
    """One published rule: a field that is, or contains, some words means a standard name."""

    name: str
    modality: str
    field: str
    how: str
    text: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a study says of itself, as sent."""

    modality: str
    description: str = ""
    requested: str = ""
    code: str = ""
    protocols: tuple[str, ...] = ()

    def texts(self, field: str) -> tuple[str, ...]:
        """Return what stands in a field."""
        if field == "protocol":
            return self.protocols
        return tuple(t for t in (getattr(self, field),) if t)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A standard name a description may mean, how alike they are (0 to 1), and why."""

    name: str
    likeness: float
    reason: str


def normal(text: str) -> str:
    """Return text as it is compared: lower case, single spaces, no punctuation between words."""
    return " ".join(re.sub(r"[^\w./+]+", " ", text.casefold().replace("_", " ")).split())


def named(described: Described, rules: Iterable[Rule]) -> str | None:
    """Return the standard name the rules give, or ``None``.

    The more specific field decides (code, requested procedure, description, protocol); in it, “is”
    before “contains”, and the longer text of two that are contained. Two rules of equal rank that
    disagree name nothing: a wrong name is worse than none.
    """
    for field in FIELDS:
        texts = [normal(t) for t in described.texts(field)]
        if not texts:
            continue
        mine = [r for r in rules if r.modality == described.modality and r.field == field]
        for how in ("is", "contains"):
            fits = [r for r in mine if r.how == how and any(_fits(r, t) for t in texts)]
            if fits:
                longest = max(len(normal(r.text)) for r in fits)
                names = {r.name for r in fits if len(normal(r.text)) == longest}
                return names.pop() if len(names) == 1 else None
    return None


def _fits(rule: Rule, text: str) -> bool:
    wanted = normal(rule.text)
    if rule.how == "is":
        return text == wanted
    return f" {wanted} " in f" {text} "


def conflicts(rules: Sequence[Rule]) -> list[tuple[Rule, Rule]]:
    """Return pairs of rules that read the same and name differently; these cannot be published."""
    seen: dict[tuple[str, str, str, str], Rule] = {}
    found = []
    for rule in rules:
        key = (rule.modality, rule.field, rule.how, normal(rule.text))
        earlier = seen.setdefault(key, rule)
        if earlier.name != rule.name:
            found.append((earlier, rule))
    return found


def require_consistent(rules: Sequence[Rule]) -> None:
    """Refuse rules that contradict each other.

    Raises
    ------
    InputError
        Code ``naming-conflict``.
    """
    if found := conflicts(rules):
        one, two = found[0]
        raise InputError(
            f"Two rules read “{one.text}” in the {one.field} and mean different examinations: "
            f"{one.name} and {two.name}. Remove one of them.",
            code="naming-conflict",
        )


def suggest(text: str, standards: Mapping[str, str], *, most: int = 3) -> list[Suggestion]:
    """Return the standard names a text may mean, the likeliest first.

    Parameters
    ----------
    text
        As sent.
    standards
        Key to title of the names there are for the modality.
    most
        How many to return.
    """
    words = _words(text)
    found = []
    for key, title in standards.items():
        theirs = _words(title)
        if not words or not theirs:
            continue
        shared = words & theirs
        overlap = len(shared) / len(words | theirs)
        alike = SequenceMatcher(None, " ".join(sorted(words)), " ".join(sorted(theirs))).ratio()
        likeness = max(overlap, alike if shared else 0.0)
        if likeness >= _LEAST_LIKE:
            why = f"shares {', '.join(sorted(shared))}" if shared else "is spelt much alike"
            found.append(Suggestion(key, round(likeness, 3), why))
    return sorted(found, key=lambda s: (-s.likeness, s.name))[:most]


def _words(text: str) -> frozenset[str]:
    spelt = (_SHORT.get(word, word) for word in normal(text).split())
    return frozenset(w for words in spelt for w in words.split() if w not in _NOISE)
