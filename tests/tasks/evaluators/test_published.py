"""Published figures of the published gpt2, by the commands that a person would type."""

import json
from pathlib import Path

import pytest

from tests.command import gptcli
from tests.published import published_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.published, pytest.mark.timeout(7200)]

HELLASWAG_ROWS_ERROR = 0.0146
"""The standard error of a share of about 0.3 in 1,000 rows; the published figures are of all 10,042."""


def figures(options: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Evaluate gpt2, which must be in the cache; return its figures."""
    ended = gptcli(f"evaluate {options} -m {published_checkpoint('gpt2', monkeypatch)} --json")
    assert ended.code == 0, ended.err
    (model,) = json.loads(ended.out)["models"]
    return {name: figure["value"] for name, figure in model["figures"].items()}


def test_lambada_has_its_published_accuracy_and_perplexity(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EleutherAI/lm-evaluation-harness issue 2159."""
    found = figures(f"{shared}/data/evaluate/lambada_test.jsonl --task lastword", monkeypatch)
    assert found["accuracy"] == pytest.approx(0.3256, abs=5e-4)
    assert found["perplexity"] == pytest.approx(40.055, rel=1e-3)


def test_the_last_token_of_lambada_is_known_as_often_as_was_measured(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """openai/gpt-2 issue 131: 46.89 % by the last token, where the paper has 45.99 %."""
    found = figures(f"{shared}/data/evaluate/lambada_test.jsonl --task lastword --protocol last-token", monkeypatch)
    assert found["accuracy"] == pytest.approx(0.4689, abs=0.01)


@pytest.mark.parametrize(
    ("options", "metric", "published"),
    [
        ("--protocol lm-eval", "accuracy", 0.2892),
        ("--protocol lm-eval", "accuracy_by_characters", 0.3114),
        ("", "accuracy", 0.2859),
        ("", "accuracy_by_tokens", 0.2955),
    ],
)
def test_a_part_of_hellaswag_is_near_the_published_accuracies(
    options: str, metric: str, published: float, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """karpathy/llm.c, dev/data/hellaswag.py: lm-evaluation-harness's, and those of that script."""
    found = figures(f"{shared}/data/evaluate/hellaswag_val_1000.jsonl {options}", monkeypatch)
    assert found[metric] == pytest.approx(published, abs=3 * HELLASWAG_ROWS_ERROR)
