"""Resident memory while many short prompts are piped through the built-in model: it must not grow with the input.

python benchmarks/memory.py [--prompts N]
"""

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import measure

FIRST = 1000


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=100_000)
    prompts = parser.parse_args().prompts
    command = [*measure.GPTCLI, "generate", "-m", "builtin", "--max-new-tokens", "8", "--jsonl"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    threading.Thread(target=_feed, args=(process.stdin, prompts), daemon=True).start()
    start = time.perf_counter()
    resident: dict[int, float] = {}
    for row, _ in enumerate(process.stdout, 1):
        if row in (FIRST, prompts // 4, prompts // 2, prompts):
            resident[row] = resident_megabytes(process.pid)
    seconds = time.perf_counter() - start
    process.wait()
    rows = [{"rows": row, "resident MB": round(size, 1)} for row, size in resident.items()]
    rows.append({"rows": f"{prompts / seconds:.0f} a second"})
    measure.report("memory: short prompts through the built-in model", rows)


def resident_megabytes(pid: int) -> float:
    """Return the resident size of a running process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    sys.exit("this benchmark reads /proc, which only Linux has")


def _feed(stdin: IO[bytes], prompts: int) -> None:
    """Write prompts as fast as they are taken."""
    with stdin:
        for number in range(prompts):
            stdin.write(f"Story {number}: once\n".encode())


if __name__ == "__main__":
    main()
