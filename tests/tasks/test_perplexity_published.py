"""Published perplexities of published checkpoints, by the command that a person would type."""

import json

import pytest

from tests.command import gptcli
from tests.published import published_checkpoint


@pytest.mark.slow
@pytest.mark.published
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("model", "options", "metric", "published"),
    [
        # The documentation of Transformers, and huggingface/transformers issue 13761.
        ("gpt2", "--protocol hf-docs", "token_perplexity", 29.94),
        ("gpt2-large", "--protocol hf-docs", "token_perplexity", 19.44),
        ("gpt2-large", "--protocol hf-docs --stride 512", "token_perplexity", 16.44),
        # The same issue, measured with lm-evaluation-harness.
        ("gpt2", "--protocol lm-eval", "word_perplexity", 37.37),
    ],
)
def test_wikitext_2_has_its_published_perplexity(model, options, metric, published, shared, monkeypatch):
    directory = published_checkpoint(model, monkeypatch)
    text = shared / "data" / "wikitext-2" / "wiki.test.raw"
    ended = gptcli(f"evaluate {text} -m {directory} {options} --json")
    assert ended.code == 0, ended.err
    (found,) = json.loads(ended.out)["models"]
    assert found["figures"][metric]["value"] == pytest.approx(published, abs=0.01)
