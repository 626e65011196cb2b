"""docs/commands.md says what --help says."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_command_reference_is_up_to_date():
    made = runpy.run_path(str(DOCS / "make_reference.py"))["reference"]()
    written = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert written == made, "run: python docs/make_reference.py"
