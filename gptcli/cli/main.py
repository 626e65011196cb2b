"""Run a command line and say how it ended: the one place that turns errors into messages and exit codes."""

import traceback
from collections.abc import Sequence
from dataclasses import replace

import typer

from gptcli.cli.app import COMMANDS, command_name, make_app
from gptcli.cli.console import Console
from gptcli.cli.flags import Job
from gptcli.cli.selection import NOTHING_SELECTED, NothingSelectedError
from gptcli.cli.signals import Interruption, Terminated
from gptcli.errors import ExitCode, GptcliError


def run(arguments: Sequence[str], console: Console, interruption: Interruption | None = None) -> int:
    """Run the command line and return its exit code; every error becomes a message.

    interruption is what signals raise in this process: an error that comes after it comes of it.
    """
    try:
        parsed = make_app()(list(arguments), prog_name="gptcli", standalone_mode=False)
        if not isinstance(parsed, Job):  # --help and --version are done already, and leave an exit code
            return int(parsed or ExitCode.OK)
        common = parsed.common
        console = replace(console, quiet=common.quiet, verbose=common.verbose, arguments=tuple(arguments))
        parsed.work(console)
        console.flush()
        return ExitCode.OK
    except BaseException as raised:
        error = _cause(raised, interruption)
        console.let_go()
        if _wants_traceback(arguments) and not isinstance(error, SystemExit):
            traceback.print_exception(error, file=console.stderr)
        code = _explain(error, arguments, console)
        for note in getattr(raised, "__notes__", ()):
            console.tell(note)
        return code


def _cause(raised: BaseException, interruption: Interruption | None) -> BaseException:
    """Return the interruption that an error comes of; an extension makes an ImportError of one in its import."""
    if interruption is None or interruption.error is None or not isinstance(raised, Exception):
        return raised
    return interruption.error


def _explain(error: BaseException, arguments: Sequence[str], console: Console) -> int:
    """Say what went wrong in a line, and return the exit code."""
    match error:
        case BrokenPipeError():
            return ExitCode.BROKEN_PIPE
        case SystemExit():
            # Typer leaves so after shell completion, and where nobody reads the help that it prints.
            return ExitCode.BROKEN_PIPE if isinstance(error.__context__, BrokenPipeError) else int(error.code or 0)
        case Terminated():
            console.tell("terminated")
            return ExitCode.TERMINATED
        case KeyboardInterrupt():
            console.tell("interrupted")
            return ExitCode.INTERRUPTED
        case NothingSelectedError():
            return NOTHING_SELECTED
        case GptcliError():
            console.error(str(error))
            return error.exit_code
        case typer.TyperException():
            message = error.format_message()
            console.error(message)
            if message.startswith("No such option") and "--" not in message:
                console.tell("a text that begins with a dash goes last, behind --")
            console.tell(f"try {_command(error, arguments)} --help")
            return ExitCode.USAGE
        case MemoryError():
            console.error("out of memory: lower --batch-size")
            return ExitCode.DEVICE
    console.bug(f"{type(error).__name__}: {error}; run again with --traceback")
    return ExitCode.BUG


def _command(error: typer.TyperException, arguments: Sequence[str]) -> str:
    """Return the command whose help tells more; where Typer does not know it, the first word that is one."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return str(context.command_path)
    names = [command_name(module) for module in COMMANDS]
    return " ".join(["gptcli", *[argument for argument in arguments if argument in names][:1]])


def _wants_traceback(arguments: Sequence[str]) -> bool:
    """Look for --traceback ahead of parsing, which can fail too."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--traceback" in options
