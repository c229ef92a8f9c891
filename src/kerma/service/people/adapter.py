"""How allauth behaves here: accounts are made by an administrator, nobody signs up."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignup(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Signing up is closed; the service's administrator makes sign-ins."""

    def is_open_for_signup(self, request: HttpRequest, *args: Any) -> bool:
        """Return False."""
        return False
