"""Collects the components of ``kerma.service.web.components`` into one tag library."""

from kerma.service.web.components import blocks, figures, forms, marks, numbers, pages, tables
from kerma.service.web.components.library import register

__all__ = ["blocks", "figures", "forms", "marks", "numbers", "pages", "register", "tables"]
