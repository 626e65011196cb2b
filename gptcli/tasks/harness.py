"""Run tasks of lm-evaluation-harness on one of our models: its tasks, prompts and metrics, our scorer and engine."""

import queue
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from gptcli.checkpoint.locate import Located
from gptcli.engine.options import ModelOptions
from gptcli.errors import MissingExtraError
from gptcli.tasks.evaluate_events import ModelReport
from gptcli.tasks.events import Event, ModelReady, Notice, Stage
from gptcli.tasks.harness_config import HarnessConfig
from gptcli.tasks.locating import loading

PARTING_SECONDS = 5.0
"""How long a harness that was stopped may take to end: until then what this process prints goes through it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessReport:
    """What the harness found about one model."""

    model: ModelReport
    """Its figures are in the order of the tasks, with intervals of 1.96 standard errors of the harness to each side."""
    convention: Mapping[str, object]
    """The harness's version, and each task's own version and number of examples in the prompt; ready for JSON."""
    rows: int
    """Of all tasks together."""


def require_harness() -> None:
    """Raise MissingExtraError where lm-evaluation-harness is not installed; looks, and imports nothing."""
    if find_spec("lm_eval") is None:
        raise MissingExtraError('--harness needs lm-evaluation-harness: pip install "gptcli[harness]"')


def run_harness(config: HarnessConfig, located: Located, model: ModelOptions) -> Generator[Event, None, HarnessReport]:
    """Yield a ModelReady and what else happens, and return the figures.

    Raises MissingExtraError, ConfigError for a task that there is not, InputError for one whose data cannot be had,
    ModelError and DeviceError.
    """
    require_harness()
    yield Stage(text="loading lm-evaluation-harness")
    from gptcli.tasks.harness_model import HarnessModel
    from gptcli.tasks.harness_running import run_tasks

    yield loading(located, model)
    reports: queue.SimpleQueue[Stage | Notice | HarnessReport | BaseException] = queue.SimpleQueue()
    adapted = HarnessModel(located, model, seed=config.bootstrap.seed, report=reports.put)
    yield ModelReady(directory=adapted.directory, dtype=adapted.dtype)
    yield Notice(text=adapted.description, detail=True)

    def work() -> None:
        try:
            reports.put(run_tasks(config, adapted, report=reports.put))
        except BaseException as error:  # raised again below, where the caller can see it
            reports.put(error)

    # The harness is one long call, which would keep its caller from telling how it goes; and from Ctrl-C.
    worker = threading.Thread(target=work, daemon=True, name="gptcli-harness")
    worker.start()
    try:
        while isinstance(report := reports.get(), Stage | Notice):
            yield report
    finally:
        adapted.cancel()
        worker.join(PARTING_SECONDS)
    if isinstance(report, BaseException):
        raise report
    yield from adapted.notices()
    return report
