"""gptcli explain --interactive: the next-token explorer, from a model's name to the text that is left."""

from importlib.util import find_spec

from gptcli.cli.console import Console, utf8
from gptcli.cli.opening import opened
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.errors import MissingExtraError, UsageError


def explore(console: Console, *, model: ModelOptions, text: str, sampling: SamplingOptions) -> None:
    """Let a person explore on the terminal what a text may go on with, and print the text when they leave.

    Keys come from standard input and the screen is on standard error, so that the text may go to a file or a pipe.
    Raises UsageError where one of them is no terminal, MissingExtraError, KeyboardInterrupt for Ctrl-C, and what
    tasks.exploring.exploration raises.
    """
    _require_terminal(console)
    if find_spec("prompt_toolkit") is None:
        raise MissingExtraError('--interactive needs prompt_toolkit: pip install "gptcli[chat]"')
    from prompt_toolkit.input import create_input
    from prompt_toolkit.output import create_output

    from gptcli.cli.explorer_application import explore_at
    from gptcli.cli.explorer_state import Explorer
    from gptcli.tasks.exploring import exploration

    explored = opened(console, exploration(model, text, sampling))
    with open(console.stdin.fileno(), encoding="utf-8", closefd=False) as keys:
        screen = create_output(console.stderr)
        explore_at(create_input(keys), screen, Explorer(explored), unicode=console.unicode)
    console.write(console.printable(utf8(explored.text) + b"\n"))


def _require_terminal(console: Console) -> None:
    """Raise UsageError where no keys can be read, or no screen redrawn."""
    what = None
    if not console.stdin.isatty():
        what = "standard input, where it reads keys, is no terminal"
    elif not console.stderr.isatty():
        what = "standard error, where it shows the candidates, is no terminal"
    elif console.environment.get("TERM") == "dumb":
        what = "a terminal of TERM=dumb cannot be redrawn"
    if what is not None:
        raise UsageError(f"--interactive: {what}; gptcli explain --next 10 prints candidates anywhere")
