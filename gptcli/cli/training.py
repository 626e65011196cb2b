"""What gptcli finetune and gptcli pretrain do once their options are read."""

import shlex
import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gptcli.checkpoint.files import CONFIG, read_json_if_present
from gptcli.checkpoint.template import read_template
from gptcli.cli import doctor
from gptcli.cli.console import Console, utf8
from gptcli.cli.ranks import as_rank, refuse_other_world, start
from gptcli.cli.signals import StopRequest
from gptcli.cli.training_display import TrainingDisplay
from gptcli.cli.training_settling import FinetuneFlags, Place, PretrainFlags, Process, settle_finetune, settle_pretrain
from gptcli.cli.training_words import finished
from gptcli.errors import TrainingError
from gptcli.tasks.events import Notice, Stage
from gptcli.training.events import (
    CheckpointSaved,
    EvalReport,
    Finished,
    Interrupted,
    SampleReport,
    StepReport,
    TrainingEvent,
    TrainingStarted,
)

if TYPE_CHECKING:
    from gptcli.training.doctor import DataReport

Events = Generator["TrainingEvent | Stage | Notice | DataReport", None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A run whose options are settled."""

    command: str
    begin: Callable[[], Events]
    stop: StopRequest
    place: Place
    num_processes: int | None
    reads_stdin: bool = False
    dry: bool = False


def run_finetune(console: Console, *, flags: FinetuneFlags) -> None:
    """Tune a model, in this process or in several; raises KeyboardInterrupt once it was stopped."""
    with as_rank(console.environment) as rank:
        stop = StopRequest()
        config, place = settle_finetune(flags, Process(rank=rank or 0, stop=stop), console.stdin)

        def begin() -> Events:
            from gptcli.tasks.finetune import finetune

            return finetune(config)

        run = _Run(
            command="finetune",
            begin=begin,
            stop=stop,
            place=place,
            num_processes=flags.run.num_processes,
            reads_stdin="-" in (*config.data.paths, config.data.validation),
            dry=config.dry_run,
        )
        _start(console, run, rank)


def run_pretrain(console: Console, *, flags: PretrainFlags) -> None:
    """Train a model from nothing, in this process or in several; raises KeyboardInterrupt once it was stopped."""
    with as_rank(console.environment) as rank:
        stop = StopRequest()
        config, place = settle_pretrain(flags, Process(rank=rank or 0, stop=stop))

        def begin() -> Events:
            from gptcli.tasks.pretrain import pretrain

            return pretrain(config)

        run = _Run(command="pretrain", begin=begin, stop=stop, place=place, num_processes=flags.run.num_processes)
        _start(console, run, rank)


def _start(console: Console, run: _Run, rank: int | None) -> None:
    """Launch the processes of a run; in one of them, or where it is the only one, follow it."""
    refuse_other_world(console.environment, run.num_processes)
    if rank is None and (run.num_processes or 1) > 1:
        start(console, run.num_processes or 1, console.stdin if run.reads_stdin else None, killed=TrainingError)
    else:
        _follow(replace(console, quiet=True, verbose=False) if rank else console, run, rank=rank or 0)


def _follow(console: Console, run: _Run, *, rank: int) -> None:
    """Show what a run does; raises what the signal would have raised that stopped it."""
    saved: CheckpointSaved | Interrupted | None = None
    try:
        with TrainingDisplay(console, stopping=run.stop) as display, ExitStack() as listening:
            if run.place.chosen and not run.dry:
                display.tell([f"the model goes to {run.place.output}"])
            with closing(run.begin()) as events:
                for event in events:
                    match event:
                        case TrainingStarted():
                            listening.enter_context(run.stop.listening())
                            display.show(event)
                        case CheckpointSaved() | Interrupted():
                            saved = event
                            display.show(event)
                        case Finished():
                            display.tell(finished(event, use=_use(event.directory)))
                        case StepReport() | EvalReport() | SampleReport() | Stage() | Notice():
                            display.show(event)
                        case report if not rank:
                            display.clear()
                            _print(console, report)
        if isinstance(saved, Interrupted):
            raise run.stop.error()
    except KeyboardInterrupt as error:
        if saved is not None:
            error.add_note(f"stopped after step {saved.step:,}; go on with: {_again(run)}")
        raise


def _print(console: Console, report: "DataReport") -> None:
    """Print the doctor's report, the result of a dry run, as wide as the terminal."""
    columns = shutil.get_terminal_size().columns if console.stdout.isatty() else 80
    console.write(console.printable(utf8(doctor.render(report, width=columns, unicode=console.unicode))))


def _use(directory: str) -> str:
    """Return the command that uses a saved model: with a text, or with rows where its template has several columns."""
    model = f"-m {shlex.quote(directory)}"
    architectures = read_json_if_present(Path(directory, CONFIG)).get("architectures")
    if "SequenceClassification" in str(architectures):
        return f'gptcli classify {model} "..."'
    template = read_template(Path(directory))
    rows = template is not None and len(template.fields) > 1
    return f"gptcli generate {model} -i FILE" if rows else f'gptcli generate {model} "..."'


def _again(run: _Run) -> str:
    """Return the command that goes on with a run."""
    processes = f" --num-processes {run.num_processes}" if run.num_processes is not None else ""
    data = ", with the same data on standard input" if run.reads_stdin else ""
    return f"gptcli {run.command} --resume {shlex.quote(run.place.output)}{processes}{data}"
