"""The process: its streams, its signals, and its exit code."""

import os
import signal
import sys


def main() -> None:
    """Run this process's command line, and end it."""
    try:
        # Imported inside, so that Ctrl-C is answered as soon as Python answers at all.
        from gptcli.cli.console import Console
        from gptcli.cli.main import Terminated, run

        def terminate(*_: object) -> None:
            raise Terminated

        signal.signal(signal.SIGTERM, terminate)
        code = run(sys.argv[1:], Console.of_process(os.environ))
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
