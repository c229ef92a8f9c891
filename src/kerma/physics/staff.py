"""Staff: effective dose from one or two badges worn with a protective apron.

E = α Hu + β Ho, by an algorithm the user names (data set ``apron-algorithms``). No algorithm has
international agreement, so none is the default.
"""

from __future__ import annotations

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Input, Record, Values
from kerma.physics.calls import calculates
from kerma.reference import Row, rows


def algorithms() -> dict[str, list[Row]]:
    """Return the named algorithms with their rows, without those that are information only."""
    found: dict[str, list[Row]] = {}
    for item in rows("apron-algorithms"):
        if item.text("use_status") != "information":
            found.setdefault(item.text("algorithm"), []).append(item)
    return found


def _chosen(algorithm: str, thyroid_shield: bool) -> Row:
    held = algorithms()
    if algorithm not in held:
        raise InputError(
            f"There is no algorithm “{algorithm}” to use. There are: {'; '.join(held)}.",
            code="unknown-algorithm",
        )
    wanted = "with" if thyroid_shield else "without"
    fits = [
        r for r in held[algorithm]
        if r.text("thyroid_shield") in (wanted, "either", "with/without", "")
    ]  # fmt: skip
    if len(fits) != 1:
        raise InputError(
            f"{algorithm} has no coefficients for a wearer {wanted} a thyroid shield.",
            code="no-coefficient",
        )
    return fits[0]


def _number(held: Row, column: str, thyroid_shield: bool) -> float:
    """Return a coefficient; a row for both cases writes them as with/without."""
    stated = held.text(column)
    if not stated:
        return 0.0
    if held.text("thyroid_shield") == "with/without" and "/" in stated:
        return float(stated.split("/")[0 if thyroid_shield else 1])
    return held.number(column)


def _require_badges(held: Row, under: Quantity | None, over: Quantity | None) -> None:
    double = held.text("dosemeters") == "double"
    if over is None or (under is None) == double:
        need = "a badge under and one over the apron" if double else "one badge over the apron only"
        raise InputError(
            f"{held.text('algorithm')} is for {need}.", code="other-badges",
            detail={"dosemeters": held.text("dosemeters")},
        )  # fmt: skip


@calculates
def effective_dose(
    *,
    algorithm: str,
    over: Quantity | None = None,
    under: Quantity | None = None,
    thyroid_shield: bool,
) -> Calculation:
    """Return the effective dose of a wearer of an apron.

    E = α Hu + β Ho (data set ``apron-algorithms``).

    Parameters
    ----------
    algorithm
        One of `algorithms`; the same one throughout a wearer's record.
    over
        Reading of the badge over the apron, at the collar, Ho.
    under
        Reading of the badge under the apron, Hu; none for an algorithm of one badge.
    thyroid_shield
        Whether one was worn.

    Raises
    ------
    InputError
        ``unknown-algorithm``, ``no-coefficient``, ``other-badges``, ``below-zero``, ``wrong-unit``.
    """
    held = _chosen(algorithm, thyroid_shield)
    _require_badges(held, under, over)
    made = Record("staff-effective-dose", "1", "Effective dose from badges")
    made.choice("Algorithm", algorithm)
    made.choice("Thyroid shield", "worn" if thyroid_shield else "not worn")
    made.rests_on(held)
    readings: dict[str, tuple[float, float]] = {}
    for symbol, title, reading, letter, column in (
        ("Hu", "Under the apron", under, "α", "alpha_under"),
        ("Ho", "Over the apron", over, "β", "beta_over"),
    ):
        if reading is None:
            continue
        value = made.given(title, symbol, reading, "mSv", above_zero=False)
        if value < 0.0:
            raise InputError(f"{title}: {reading} is below zero.", code="below-zero")
        factor = _number(held, column, thyroid_shield)
        made.inputs.append(Input(f"Coefficient of {symbol}", letter, quantity(factor, "1"),
                                 source=held.id))  # fmt: skip
        readings[symbol] = (factor, value)
    made.work("E = " + " + ".join(f"{f:g} × {h:.4g}" for f, h in readings.values()) + " mSv")
    _say(made, held, readings)

    def equation(v: Values) -> float:
        return sum(factor * v[symbol] for symbol, (factor, _) in readings.items())

    return made.result(equation, "mSv")


def _say(made: Record, held: Row, readings: dict[str, tuple[float, float]]) -> None:
    made.assume(
        "Both badges were worn throughout, at the places the algorithm means, with one apron "
        "thickness.",
        f"As the table writes it: {held.text('form_or_note')}.",
    )
    if not held.text("thyroid_shield"):
        made.assume("The row does not say whether a thyroid shield is meant.")
    made.limit(
        "Algorithms differ by several times and none is agreed internationally: keep both readings "
        "and the algorithm's name, and never mix algorithms in one wearer's record.",
        "The uncertainty of the algorithm is not stated by its source and is not in the budget.",
    )
    if any(h == 0.0 for _, h in readings.values()):
        made.limit("A reading of zero is one below the reporting level, which is not in the sum.")
    if len(readings) == 2 and readings["Hu"][1] > readings["Ho"][1]:
        made.limit(
            "The badge under the apron reads more than the one over it: they may have been swapped."
        )
