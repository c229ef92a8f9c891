"""SciPy's dynamic modules under one name each, as values without type information."""

from __future__ import annotations

from typing import Any

import scipy.ndimage
import scipy.optimize
import scipy.special

ndimage: Any = scipy.ndimage
optimize: Any = scipy.optimize
special: Any = scipy.special
