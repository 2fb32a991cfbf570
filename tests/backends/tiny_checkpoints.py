"""Tiny random weights of every learned back end: (task, name) to a builder of its options.

A builder takes an empty folder, writes weights into it and gives the options a user would set.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny_depth
import tiny_diffusion
import tiny_mattes
import tiny_sapiens

BUILDERS: dict[tuple[str, str], Callable[[Path], dict[str, Any]]] = {
    **tiny_depth.BUILDERS,
    **tiny_diffusion.BUILDERS,
    **tiny_mattes.BUILDERS,
    **tiny_sapiens.BUILDERS,
}
