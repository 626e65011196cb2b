"""The process: its streams, its signals, and its exit code."""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run this process's command line, and end it."""
    try:
        # Imported inside, so that Ctrl-C is answered as soon as Python answers at all.
        from gptcli.cli.console import Console
        from gptcli.cli.main import run
        from gptcli.cli.signals import Terminated

        def terminate(*_: object) -> None:
            raise Terminated

        signal.signal(signal.SIGTERM, terminate)
        code = run(sys.argv[1:], Console.of_process(os.environ))
    except KeyboardInterrupt:
        code = 130
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # run has flushed, or closed, all that can be
                stream.flush()
    # Not sys.exit: it would wait for the thread that waits for input, and fail at the lock that this one holds.
    os._exit(code)


if __name__ == "__main__":
    main()
