"""What the command line costs before any work: CPU time of help, version and a usage error.

    python benchmarks/startup.py [--runs N]

The goal is 150 ms of CPU for each. A person who asks for help should not wait for it, and a completion or a
typing error in a script should cost nothing; importing torch and transformers costs 5 to 6 seconds, so none
of these may do that.
"""

import argparse
from functools import partial

import measure

GOAL_MILLISECONDS = 150
CASES = {"--help": 0, "generate --help": 0, "--version": 0, "generate --no-such-option": 2}
"""Command lines and their exit codes."""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    commands = {
        line: partial(measure.run, [*measure.GPTCLI, *line.split()], exit_code=code) for line, code in CASES.items()
    }
    usages = measure.in_turn(commands, runs)
    rows = [
        {
            "command line": f"gptcli {line}",
            "CPU ms": measure.median([1000 * usage.cpu_seconds for usage in mine]),
            "goal": GOAL_MILLISECONDS,
        }
        for line, mine in usages.items()
    ]
    measure.report("startup: CPU time before any work", rows)


if __name__ == "__main__":
    main()
