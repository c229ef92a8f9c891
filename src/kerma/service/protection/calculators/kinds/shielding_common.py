"""Fields and parts of the calculators of shielding."""

from __future__ import annotations

from functools import lru_cache

from kerma.core import InputError, Quantity
from kerma.physics.calculation import exact
from kerma.physics.shielding import archer
from kerma.physics.shielding.archer import Beam
from kerma.reference import Row, row, rows
from kerma.service.protection.calculators.fields import Choice, Given, Number, Option
from kerma.service.protection.calculators.kinds.common import metres, ratio

ARCHER = "archer/ncrp147"
_RADIATION = {
    "primary": "Primary", "secondary": "Secondary (scatter and leakage)",
    "ct_secondary": "CT scatter",
}  # fmt: skip


def materials(_: Given) -> list[Option]:
    """Return the materials there are fits for."""
    return [(m, archer.said(m).capitalize()) for m in archer.materials()]


def _held(given: Given) -> list[Row]:
    """Return the fits that agree with material and radiation as far as they are chosen."""
    return list(_of(given.get("material", ""), given.get("radiation", "")))


@lru_cache(maxsize=200)
def _of(material: str, radiation: str) -> tuple[Row, ...]:
    wanted = {"material": material, "radiation": radiation}
    return tuple(
        r for r in rows("archer")
        if r.id.startswith(ARCHER) and all(not v or r.text(n) == v for n, v in wanted.items())
    )  # fmt: skip


def _radiations(given: Given) -> list[Option]:
    found = dict.fromkeys(
        r.text("radiation") for r in _held({"material": given.get("material", "")})
    )
    return [(v, _RADIATION.get(v, v.replace("_", " ").capitalize())) for v in found]


def _distributions(given: Given) -> list[Option]:
    found = dict.fromkeys(r.text("workload_distribution") for r in _held(given))
    return [(v, v) for v in found if v]


MATERIAL = Choice("material", "Material", materials)
RADIATION = Choice("radiation", "Radiation", _radiations)
DISTRIBUTION = Choice("distribution", "Workload distribution", _distributions, optional=True,
                      hint="of NCRP 147; or give a tube voltage below")  # fmt: skip
# Where a transmission is taken at it: see `volts`.
SURE_KV = Number("kv", "Tube voltage", "kV", ("kV",), uncertain=False)
KV = Number("kv", "Tube voltage", "kV", ("kV",), optional=True, uncertain=False,
            hint="where no workload distribution is chosen")  # fmt: skip
OCCUPANCY = ratio("occupancy", "Occupancy", "T", hint="above 0, at most 1; say who agreed it")


def beam_of(radiation: str, distribution: str = "", kv: Quantity | None = None) -> Beam:
    """Return the beam quality chosen."""
    return Beam(radiation, distribution, kv.to("kV").value if kv is not None else None)


def volts(kv: Quantity) -> float:
    """Return a tube voltage in kV.

    Raises
    ------
    InputError
        ``bad-uncertainty``: it has one. It chooses the fit, so no budget could take it in.
    """
    return exact(
        kv, "kV", "The tube voltage chooses the transmission; its uncertainty has no part in the "
        "budget. Leave it out, and look at the next voltage as well.",
    )  # fmt: skip


def cases(_: Given) -> list[Option]:
    """Return what may stand in a primary beam before the barrier, by the words of the table."""
    named = [str(r["case"]) for r in row("ncrp147/preshielding").fields["rows"]]
    return [("", "Nothing"), *((c, c) for c in named)]


PRESHIELDING = Choice("preshielding", "Image receptor in the beam", cases, optional=True)


def thickness(title: str = "Thickness") -> Number:
    """Return the field of a barrier's thickness."""
    return Number("x", title, "x", ("mm", "cm"))


def distance(title: str, symbol: str = "d") -> Number:
    """Return the field of the distance to the point to protect."""
    return metres("distance", title, symbol)


def require_pair(material: str | None, x: Quantity | None, n: int) -> bool:
    """Whether a further layer is given; half of one is refused.

    Raises
    ------
    InputError
        ``half-a-layer``.
    """
    if (material is None or not material) != (x is None):
        raise InputError(f"Layer {n} needs both material and thickness.", code="half-a-layer")
    return x is not None
