"""The options that name data and its columns, for commands that find out themselves what is in it."""

from functools import partial
from typing import Annotated

import typer

data_option = partial(typer.Option, rich_help_panel="Data")

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA]...",
        help=".csv, .tsv, .jsonl, .json, .txt, .parquet, any but the last also .gz, .xz or .zst; "
        "directories of them; - is standard input.",
        rich_help_panel="Data",
    ),
]
TextColumn = Annotated[str | None, data_option("--text-column", metavar="NAME", help="The column of the text.")]
LabelColumn = Annotated[str | None, data_option("--label-column", metavar="NAME", help="The column of its label.")]
PromptColumns = Annotated[
    list[str] | None,
    data_option("--prompt-column", metavar="NAME", help="A column of what is completed. Repeatable."),
]
CompletionColumn = Annotated[
    str | None, data_option("--completion-column", metavar="NAME", help="The column of how it is completed.")
]
Lines = Annotated[bool | None, data_option("--lines", help="Each line of a .txt file is a text of its own.")]
