"""The process: its streams, its signals, and its exit code."""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run this process's command line, and end it."""
    code = 130
    try:
        # Imported inside, so that Ctrl-C is answered as soon as Python answers at all.
        from gptcli.cli.console import Console
        from gptcli.cli.main import run
        from gptcli.cli.signals import Interruption

        interruption = Interruption()
        interruption.listen()
        code = run(sys.argv[1:], Console.of_process(os.environ), interruption)
        # It ends by itself now: letting go of a model takes long enough for a signal to come, as a launcher sends one.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        if code == 130 and sys.stderr is not None:  # of the imports: run tells of its own
            with suppress(OSError):
                sys.stderr.write("gptcli: interrupted\n")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # run has flushed, or closed, all that can be
                stream.flush()
    # Not sys.exit: it would wait for the thread that waits for input, and fail at the lock that this one holds.
    os._exit(code)


if __name__ == "__main__":
    main()
