"""What lm-evaluation-harness prints and logs, and the libraries that it fetches data with."""

import logging
from io import StringIO
from pathlib import Path

import pytest

from gptcli.checkpoint.locate import Located
from gptcli.engine.options import ModelOptions
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.harness import run_harness
from gptcli.tasks.harness_config import HarnessConfig
from tests.harness import imported
from tests.harness_tasks import LAMBADA, write_task

TEXTS = [{"text": text} for text in ("It was a dark night", "one two three", "so so")]


@pytest.fixture(autouse=True)
def harness() -> None:
    """Import it where what its imports warn of is no error."""
    imported("gptcli.tasks.harness_running")
    imported("gptcli.tasks.harness_model")


@pytest.mark.slow
def test_what_the_harness_prints_reaches_neither_stream_and_others_print_as_before(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = write_task(tmp_path, LAMBADA, TEXTS)
    config = HarnessConfig(tasks=(name,), include=str(tmp_path), bootstrap=Bootstrap(resamples=100))
    for event in run_harness(config, Located(name="tiny", directory=tiny), ModelOptions(device="cpu")):
        if isinstance(event, Stage):
            print(event.text)  # noqa: T201 - while the harness runs in its own thread
    out, err = capfd.readouterr()
    assert "3 of 3 requests scored\n" in out
    assert "bootstrapping" not in out
    assert err == ""


@pytest.mark.slow
def test_what_the_libraries_that_fetch_data_log_is_a_detail(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, written = write_task(tmp_path, LAMBADA, TEXTS), StringIO()
    config = HarnessConfig(tasks=(name,), include=str(tmp_path), bootstrap=Bootstrap(resamples=100))
    logger = logging.getLogger("huggingface_hub")
    # Fetching a model, which another test may have done, sets its level to errors.
    monkeypatch.setattr(logger, "isEnabledFor", lambda level: True)
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler(written)])
    events = []
    for event in run_harness(config, Located(name="tiny", directory=tiny), ModelOptions(device="cpu")):
        events.append(event)
        if event == Stage(text="loading tasks"):
            logger.warning("Retrying in %ss", 1)
    assert Notice(text="huggingface_hub: Retrying in 1s", detail=True) in events
    assert written.getvalue() == ""
    logger.warning("heard again")
    assert written.getvalue() == "heard again\n"
