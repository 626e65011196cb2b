"""Write docs/commands.md from the help of every command; a test fails when the two differ.

python docs/make_reference.py
"""

import os
import subprocess
import sys
from pathlib import Path

from gptcli.cli.app import COMMANDS, command_name

TARGET = Path(__file__).with_name("commands.md")
INTRODUCTION = """# Commands

Made from `--help` by `python docs/make_reference.py`: change the options, not this file.
"""


def reference() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for command in ("", *map(command_name, COMMANDS)):
        title = f"gptcli {command}".strip()
        parts.append(f"## {title}\n\n```text\n{help_of(command.split())}```\n")
    return "\n".join(parts)


def help_of(command: list[str]) -> str:
    """Return a command's help, as wide on every machine."""
    done = subprocess.run(
        [sys.executable, "-m", "gptcli", *command, "--help"],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return done.stdout


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
