"""Makes the functions that sweeps compute importable, here and in the worker processes that inherit the path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
