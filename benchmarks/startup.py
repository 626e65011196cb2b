"""Measure what the command line costs before any work: CPU time of help, version and a usage error.

    python benchmarks/startup.py [--runs N] [--json]

The goal is 150 ms of CPU for each. A person who asks for help should not wait for it, and a completion or a
typing error in a script should cost nothing; importing torch and transformers costs 5 to 6 seconds, so none
of these may do that.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys

GOAL_MILLISECONDS = 150.0
CASES = {
    "--help": 0,
    "generate --help": 0,
    "--version": 0,
    "generate --no-such-option": 2,
}
"""Command lines and their exit codes."""


def cpu_milliseconds(arguments: list[str], exit_code: int) -> float:
    """Run gptcli once and return the user and system time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "gptcli", *arguments], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != exit_code:
        raise SystemExit(f"gptcli {' '.join(arguments)}: exit code {done.returncode}, not {exit_code}")
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def measure(runs: int) -> dict[str, float]:
    """Return the median of each case; a first run that fills the caches is not counted."""
    medians = {}
    for line, exit_code in CASES.items():
        times = [cpu_milliseconds(line.split(), exit_code) for _ in range(runs + 1)][1:]
        medians[line] = round(statistics.median(times), 1)
    return medians


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command line; the median counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    medians = measure(arguments.runs)
    if arguments.json:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        print(json.dumps({"cpu_milliseconds": medians, "goal": GOAL_MILLISECONDS, "runs": arguments.runs} | machine))
        return
    print(f"{'command line':<36} {'CPU ms':>8}   goal {GOAL_MILLISECONDS:.0f}")
    for line, median in medians.items():
        print(f"{'gptcli ' + line:<36} {median:>8.1f}   {'ok' if median < GOAL_MILLISECONDS else 'MISSED'}")


if __name__ == "__main__":
    main()
