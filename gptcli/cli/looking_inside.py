"""What gptcli explain does for --attention, --lens and --attribution: one text, as lines or as a picture."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gptcli.cli.console import Console, utf8
from gptcli.cli.explain_contradictions import ExplainFlags, is_page
from gptcli.cli.flags import Work
from gptcli.cli.opening import opened
from gptcli.cli.source import open_rows
from gptcli.cli.surface import surface_of
from gptcli.data.output import refuse_existing

if TYPE_CHECKING:
    from gptcli.tasks.inside import InsideConfig


def prepare_inside(flags: ExplainFlags, *, usage: str) -> Work:
    """Return the work, the model's options checked; raises ConfigError."""
    flags.model.options()
    return partial(run, flags=flags, usage=usage)


def run(console: Console, *, flags: ExplainFlags, usage: str) -> None:
    """Look, and print or draw what was found."""
    from gptcli.tasks.inside import InsideConfig, Look

    inside, output = flags.inside, flags.output
    if output.output is not None:
        refuse_existing(output.output, overwrite=output.overwrite)
        _require_drawing(output.output)
    with closing(open_rows(flags.source, console, usage)) as rows:
        config = InsideConfig(
            records=rows.records,
            look=cast(Look | None, inside.attribution or flags.looks_inside),
            model=flags.model.options(),
            column=flags.source.column,
            layer=inside.layer,
            head=inside.head,
            top=flags.view.top,
            target=inside.target,
        )
        if output.output is None:
            _print(console, config)
        else:
            _draw(console, config, output.output)


def _print(console: Console, config: "InsideConfig") -> None:
    from gptcli.cli.render_inside import inside_lines
    from gptcli.tasks.inside import look_inside

    found = opened(console, look_inside(config))
    surface = surface_of(console)
    console.write(utf8(surface.text(inside_lines(found, surface))))


def _draw(console: Console, config: "InsideConfig", path: str) -> None:
    """Write a picture or a page, and say what it leaves out."""
    if is_page(path):
        from gptcli.explaining.pictures.page import write_page
        from gptcli.tasks.page_inside import whole_page

        page = opened(console, whole_page(config))
        write_page(Path(path), page)
        left_out = page.notes
    else:
        from gptcli.tasks.drawing_inside import draw
        from gptcli.tasks.inside import look_inside

        cut = draw(opened(console, look_inside(config)), Path(path))
        left_out = [] if cut is None else [cut]
    for told in left_out:
        console.warn(f"{path}: {told}")


def _require_drawing(path: str) -> None:
    """Raise MissingExtraError, before a model is loaded, where there is nothing to draw with."""
    if not is_page(path):
        from gptcli.drawing.canvas import require

        require()
