from datetime import date

import pytest

from kerma.simulate.department import build_department
from kerma.simulate.history import History, build_history
from kerma.simulate.models import Department

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def department() -> Department:
    return build_department(today=TODAY)


@pytest.fixture(scope="session")
def history(department: Department) -> History:
    return build_history(department)
