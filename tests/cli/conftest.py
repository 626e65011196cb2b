"""A command line run in this process, its streams and the task behind it replaced."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path
from types import ModuleType

import pytest

from gptcli.cli.console import Console
from gptcli.cli.main import run
from gptcli.data.columns import choose_column, text_of
from gptcli.errors import InputError
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion, Event, ModelReady, RowFailed, Stage, TextDelta
from tests.cli.fake_training import FakeTraining


class TerminalInput(BytesIO):
    """A keyboard that nobody touches."""

    def isatty(self) -> bool:
        return True


class TerminalText(StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


class Untouchable(BytesIO):
    """A stream that must be left alone."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"standard input was touched: {name}")


@dataclass(kw_only=True)
class FakeTask:
    """A task that continues every prompt with " one", " two" and so on, unless told otherwise."""

    config: GenerateConfig | None = None
    fail_on: str | None = None
    raise_at: dict[int, BaseException] = field(default_factory=dict)
    """What to raise in the place of a row."""
    before: list[Event] = field(default_factory=list)
    closed: bool = False

    def generate(self, config: GenerateConfig) -> Iterator[Event]:
        """Yield what a task does."""
        self.config = config
        try:
            yield Stage(text="loading")
            yield ModelReady(directory=str(config.model.model), dtype="float32")
            yield from self.before
            for index, record in enumerate(config.records):
                if index in self.raise_at:
                    raise self.raise_at[index]
                if index >= config.skip_rows:
                    yield from self._row(config, index, record)
        finally:
            self.closed = True

    def _row(self, config: GenerateConfig, index: int, record) -> Iterator[Event]:
        try:
            prompt = text_of(record, choose_column(tuple(record.columns), config.column) if record.columns else "")
        except InputError as error:
            yield RowFailed(index=index, record=record, message=str(error))
            return
        if prompt == self.fail_on:
            yield RowFailed(index=index, record=record, message="is too long")
            return
        for sample in range(config.num_samples):
            text = f" {('one', 'two', 'three')[sample]}"
            if config.stream:
                yield TextDelta(prompt=prompt, text=text[:2])
                yield TextDelta(prompt=prompt, text=text[2:])
            yield completion(index=index, sample=sample, record=record, prompt=prompt, text=text, seed=config.seed)


def completion(**changes) -> Completion:
    """Return a completion; a test says what matters."""
    plain = {"finish_reason": "length", "prompt_tokens": 1, "new_tokens": 2, "logprob": -1.5, "seed": 7}
    return Completion(**(plain | {"index": 0, "sample": 0, "prompt": "p", "text": "t"} | changes))


@pytest.fixture(name="completion")
def make_completion() -> Callable[..., Completion]:
    """Return the function that makes completions."""
    return completion


@pytest.fixture
def keyboard() -> TerminalInput:
    """Return a standard input that is a terminal."""
    return TerminalInput()


@pytest.fixture
def screen() -> TerminalText:
    """Return a standard error that is a terminal."""
    return TerminalText()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> FakeTask:
    """Put a fake in the place of the generate task."""
    fake = FakeTask()
    module = ModuleType("gptcli.tasks.generate")
    module.generate = fake.generate
    monkeypatch.setitem(sys.modules, "gptcli.tasks.generate", module)
    return fake


@pytest.fixture
def gptcli(task: FakeTask) -> Callable[..., Ended]:
    """Run a command line; keywords replace what the console has."""

    def call(*arguments: str, **streams) -> Ended:
        console = Console(
            **({"stdin": Untouchable(), "stdout": BytesIO(), "stderr": StringIO(), "environment": {}} | streams)
        )
        code = run(arguments, console)
        out = console.stdout.getvalue().decode() if isinstance(console.stdout, BytesIO) else ""
        return Ended(code=code, out=out, err=console.stderr.getvalue())

    return call


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeTraining:
    """Put a fake in the place of the tasks that train, in a directory of its own."""
    fake = FakeTraining()
    for name in ("finetune", "pretrain"):
        module = ModuleType(f"gptcli.tasks.{name}")
        setattr(module, name, fake)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GPTCLI_MODEL", raising=False)
    return fake
