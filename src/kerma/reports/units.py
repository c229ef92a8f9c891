"""Units, numbers and dates as they are printed; the same functions serve the web pages.

They live in `kerma.core.typeset` because charts use them too.
"""

from kerma.core.typeset import (
    date_text,
    number_text,
    pretty_text,
    pretty_unit,
    quantity_text,
    result_text,
    time_text,
    typeset,
)

__all__ = [
    "date_text",
    "number_text",
    "pretty_text",
    "pretty_unit",
    "quantity_text",
    "result_text",
    "time_text",
    "typeset",
]
