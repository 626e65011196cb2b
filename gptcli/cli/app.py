"""The Typer app: the root command and the list of the others."""

from types import ModuleType
from typing import Annotated

import typer

from gptcli import __version__
from gptcli.cli import chat, classify, evaluate, explain, finetune, generate, pretrain, serve
from gptcli.cli.flags import SectionedCommand, flat
from gptcli.cli.options import CommonFlags
from gptcli.cli.sampling import option_name
from gptcli.errors import ExitCode

COMMANDS = (generate, classify, evaluate, finetune, pretrain, chat, serve, explain)
"""A module each: its `command` function, and its EXAMPLES."""


def make_app() -> typer.Typer:
    """Return the app, ready to parse a command line into a Job."""
    settings = {
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": option_name,
        "max_content_width": 100,
    }
    app = typer.Typer(
        name="gptcli",
        invoke_without_command=True,
        context_settings=settings,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(flat(root))
    for module in COMMANDS:
        name = command_name(module)
        app.command(name, cls=SectionedCommand, epilog=module.EXAMPLES)(flat(module.command))
    return app


def command_name(module: ModuleType) -> str:
    """Return the name of a command, which is that of its module."""
    return module.__name__.rpartition(".")[2]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gptcli {__version__}")
        raise typer.Exit


def root(
    context: typer.Context,
    common: CommonFlags,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """GPT-2 at a shell: write, label, tune and measure text with a small model of your own."""
    context.obj = common
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(ExitCode.USAGE)
