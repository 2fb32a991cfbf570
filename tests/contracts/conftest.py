"""Contract suites use what the tests of single back ends and of capture are built from."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "backends"), str(TESTS / "capture")]
