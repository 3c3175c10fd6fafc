"""Lets the tests import the stages, and finds the data that scripts/setup brings."""

import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent
DATA = EXAMPLE.parent.parent / ".deps" / "data"

sys.path.insert(0, str(EXAMPLE / "stages"))
