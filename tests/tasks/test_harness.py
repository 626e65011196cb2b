"""Tasks of lm-evaluation-harness on our models: its own figures, through our scorer and our engine."""

import math
from pathlib import Path
from typing import Any

import pytest

from gptcli.checkpoint.locate import Located
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, InputError, MissingExtraError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks import harness
from gptcli.tasks.events import Event, ModelReady, Notice, Stage
from gptcli.tasks.harness import HarnessReport, run_harness
from gptcli.tasks.harness_config import HarnessConfig
from tests.harness import harness_model, imported, rolling_loglikelihoods, task_results
from tests.harness_tasks import HELLASWAG, LAMBADA, ROLLING, WRITING, first_rows, write_task

TEXTS = [{"text": text} for text in ("It was a dark night", "one two three", "so so", "x" * 60, "a b c d")]


def run(model: Path, tasks: Path | None, *names: str, **options: Any) -> tuple[list[Event], HarnessReport]:
    """Run tasks to their end."""
    include = None if tasks is None else str(tasks)
    config = HarnessConfig(tasks=names, include=include, bootstrap=Bootstrap(resamples=100), **options)
    running = run_harness(config, Located(name=model.name, directory=model), ModelOptions(device="cpu"))
    events: list[Event] = []
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return events, end.value


def values(report: HarnessReport) -> dict[str, float]:
    """Return the figures by their names."""
    return {figure.name: figure.interval.value for figure in report.model.figures}


@pytest.fixture
def adapted(tiny: Path) -> Any:
    """Return the tiny model behind the harness's interface."""
    model = imported("gptcli.tasks.harness_model").HarnessModel
    return model(Located(name="tiny", directory=tiny), ModelOptions(device="cpu"), seed=0, report=lambda _: None)


def instances(kind: str, *arguments: tuple[object, ...]) -> list[Any]:
    """Return what the harness asks a model for."""
    instance = imported("lm_eval.api.instance").Instance
    return [instance(request_type=kind, doc={}, arguments=each, idx=n) for n, each in enumerate(arguments)]


def test_without_the_package_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    monkeypatch.setattr(harness, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[harness\]"'):
        run(tiny, None, "lambada_openai")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tasks": ()}, "--harness wants names of tasks"),
        ({"tasks": ("a", "")}, "--harness wants names of tasks"),
        ({"tasks": ("a",), "limit": 0}, "--limit must be at least 1, not 0"),
        ({"tasks": ("a",), "bootstrap": Bootstrap(resamples=1)}, "--bootstrap must be at least 100, not 1"),
    ],
)
def test_options_that_say_nothing_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        HarnessConfig(**options)


@pytest.mark.slow
@pytest.mark.timeout(600)  # importing lm_eval, datasets and transformers takes seconds, on a busy machine minutes
def test_lambada_and_hellaswag_have_the_figures_of_the_harnesss_own_model(
    shared: Path, builtin: Path, tmp_path: Path
) -> None:
    data = shared / "data" / "evaluate"
    names = (
        write_task(tmp_path, LAMBADA, first_rows(data / "lambada_test.jsonl", 40)),
        write_task(tmp_path, HELLASWAG, first_rows(data / "hellaswag_val_1000.jsonl", 40)),
    )
    events, report = run(builtin, tmp_path, *names)
    theirs = task_results(builtin, tmp_path, *names)
    expected = {
        f"{task}/{key.removesuffix(',none')}": value
        for task, found in theirs.items()
        for key, value in found.items()
        if key.endswith(",none") and "stderr" not in key
    }
    perplexity = expected.pop("lambada_here/perplexity")
    found = values(report)
    assert found.pop("lambada_here/perplexity") == pytest.approx(perplexity, rel=1e-4)
    assert found == expected
    assert report.rows == 80
    assert [figure.better for figure in report.model.figures] == ["lower", "higher", "higher", "higher", "higher"]
    assert report.convention["tasks"] == [f"{name} (version 1.0, shots 0)" for name in names]
    assert any(isinstance(event, ModelReady) for event in events)
    assert Stage(text="200 of 200 requests scored") in events


@pytest.mark.slow
def test_an_interval_is_of_the_harnesss_standard_error(tiny: Path, tmp_path: Path) -> None:
    name = write_task(tmp_path, LAMBADA, TEXTS[:3])
    _, report = run(tiny, tmp_path, name, limit=2)
    accuracy = next(figure.interval for figure in report.model.figures if figure.name == "lambada_here/acc")
    error = math.sqrt(accuracy.value * (1 - accuracy.value))  # of two rows, with Bessel's correction
    assert (accuracy.low, accuracy.high) == pytest.approx(
        (accuracy.value - 1.96 * error, accuracy.value + 1.96 * error)
    )
    assert (accuracy.rows, accuracy.method) == (2, "normal")


@pytest.mark.slow
def test_a_figure_without_a_standard_error_has_no_interval(tiny: Path, tmp_path: Path) -> None:
    events, report = run(tiny, tmp_path, write_task(tmp_path, ROLLING, TEXTS))
    (figure,) = report.model.figures
    loglikelihoods = rolling_loglikelihoods(tiny, [row["text"] for row in TEXTS])
    utf8_bytes = sum(len(row["text"]) for row in TEXTS)
    assert figure.interval.value == pytest.approx(-sum(loglikelihoods) / utf8_bytes / math.log(2), rel=1e-4)
    assert math.isnan(figure.interval.low)
    assert math.isnan(figure.interval.high)
    assert not [event for event in events if isinstance(event, Notice) and not event.detail]


@pytest.mark.slow
def test_log_likelihoods_are_those_of_the_harnesss_own_model(tiny: Path, adapted: Any) -> None:
    pairs = [
        ("one two", " three"),
        ("one two", " four"),
        ("", "x y"),
        ("ends in space ", "z"),
        ("z" * 70, " " + "y" * 9),
    ]
    requests = instances("loglikelihood", *pairs)
    theirs = harness_model(tiny).loglikelihood(requests, disable_tqdm=True)
    found = adapted.loglikelihood(requests)
    assert [total for total, _ in found] == pytest.approx([total for total, _ in theirs], abs=1e-4)
    assert [greedy for _, greedy in found] == [greedy for _, greedy in theirs]
    told = "requests longer than the context of 48 tokens, whose beginning is not read: 1 (first: request 5)"
    assert [notice.text for notice in adapted.notices()] == [told]


@pytest.mark.slow
def test_whole_texts_are_scored_in_the_harnesss_windows(tiny: Path, adapted: Any) -> None:
    texts = ["A short text.", "x", "", "It is a truth universally acknowledged. " * 5, "y" * 48, "z" * 49]
    found = adapted.loglikelihood_rolling(instances("loglikelihood_rolling", *((text,) for text in texts)))
    assert found == pytest.approx(rolling_loglikelihoods(tiny, texts), rel=1e-4)


@pytest.mark.slow
def test_texts_are_written_as_by_the_harnesss_own_model(builtin: Path) -> None:
    model = imported("gptcli.tasks.harness_model").HarnessModel
    located = Located(name="builtin", directory=builtin)
    ours = model(located, ModelOptions(device="cpu"), seed=0, report=lambda _: None)
    requests = instances(
        "generate_until",
        ("Once upon a time", {"until": ["."], "max_gen_toks": 24}),
        ("Lily had a", {"until": [" the", "\n"], "max_gen_toks": 8, "do_sample": False}),
        ("The big dog " * 300, {"until": [], "max_gen_toks": 4}),
    )
    theirs = [harness_model(builtin).generate_until([request], disable_tqdm=True)[0] for request in requests]
    assert ours.generate_until(requests) == theirs
    assert [notice.text for notice in ours.notices()] == [
        "prompts cut to their last 508 tokens, to leave room for what is written: 1 (first: request 3)"
    ]


@pytest.mark.slow
def test_a_task_that_writes_runs(tiny: Path, tmp_path: Path) -> None:
    rows = [{"text": "ab", "target": "never this"}, {"text": "cd", "target": "nor this"}]
    events, report = run(tiny, tmp_path, write_task(tmp_path, WRITING, rows))
    assert values(report) == {"writing_here/exact_match": 0}
    assert Stage(text="2 of 2 requests written") in events


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("generate_until", ("x", {"max_gen_toks": 48}), "writes 48 tokens, which the model's context of 48 does not"),
        (
            "generate_until",
            ("x", {"max_gen_toks": 4, "contrast": 2}),
            "writes with contrast, which gptcli does not have",
        ),
        ("loglikelihood", ("x", "y" * 49), "an ending of 49 tokens, which the model's context of 48 does not hold"),
    ],
)
def test_what_the_model_has_no_room_for_is_refused(adapted: Any, kind: str, arguments: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        getattr(adapted, kind)(instances(kind, arguments))


@pytest.mark.slow
def test_a_task_whose_data_cannot_be_had_is_one_line_with_a_remedy(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").write_text(f"task: gone\ndataset_path: json\n{ROLLING.partition(chr(10))[2]}")
    with pytest.raises(InputError, match=r"^--harness gone cannot be loaded: [^\n]+; without a network") as caught:
        run(tiny, tmp_path, "gone")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_task_that_runs_what_models_write_is_refused(tiny: Path, tmp_path: Path) -> None:
    name = write_task(tmp_path, f"{LAMBADA}unsafe_code: true\n", TEXTS)
    with pytest.raises(ConfigError, match=f"--harness {name} runs programs that the model writes"):
        run(tiny, tmp_path, name)


@pytest.mark.slow
def test_a_task_that_there_is_not_is_refused_with_its_likes(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task(tmp_path, LAMBADA, TEXTS)
    known = imported("lm_eval.tasks").TaskManager(include_path=str(tmp_path), include_defaults=False)
    monkeypatch.setattr(imported("gptcli.tasks.harness_running"), "_manager", lambda _: known)
    with pytest.raises(ConfigError, match="has no task 'lambada_her': did you mean lambada_here"):
        run(tiny, tmp_path, "lambada_her")
    with pytest.raises(ConfigError, match="has no task 'x'; lm-eval ls tasks lists them"):
        run(tiny, tmp_path, "x")


@pytest.mark.slow
def test_closing_ends_the_run(tiny: Path, tmp_path: Path) -> None:
    rows = [{"text": f"{number} two three"} for number in range(200)]
    config = HarnessConfig(tasks=(write_task(tmp_path, LAMBADA, rows),), include=str(tmp_path))
    running = run_harness(config, Located(name="tiny", directory=tiny), ModelOptions(device="cpu"))
    scored = (event for event in running if isinstance(event, Stage) and event.text.endswith("scored"))
    assert next(scored).text == "50 of 200 requests scored"
    running.close()
