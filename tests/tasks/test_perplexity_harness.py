"""The protocol lm-eval against lm-evaluation-harness itself: its windows, its words, its model."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.evaluation.detokenizers import wikitext_detokenized, wikitext_pages
from gptcli.evaluation.perplexity import count_words
from gptcli.evaluation.windows import sliding_windows
from tests.harness import imported, rolling_loglikelihoods
from tests.perplexities import measure

pytestmark = pytest.mark.slow  # importing lm_eval and datasets takes seconds

PIECES = [
    "s '",
    "/' 3/",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "'s",
    " ",
    "=",
    "\n",
    " @-@ ",
    " N ",
    "a",
    " ° ",
    " .",
    " ,",
]


@given(st.integers(0, 50), st.integers(1, 16))
def test_windows_are_the_harnesss(length, context):
    utils = imported("lm_eval.utils")
    tokens = list(range(1, length + 1))
    rolling = utils.get_rolling_token_windows(tokens, prefix_token=0, max_seq_len=context, context_len=1)
    theirs = [(*before, *scored) for before, scored in map(utils.make_disjoint_window, rolling)]
    stream = [0, *tokens]
    windows = list(sliding_windows(len(stream), context=context, stride=context))
    assert [tuple(stream[window.begin : window.end]) for window in windows] == theirs


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_wikitext_is_detokenized_and_counted_as_in_the_harness(page):
    task = imported("lm_eval.tasks.wikitext.preprocess_wikitext")
    assert wikitext_detokenized(page) == task.wikitext_detokenizer({"page": page})
    assert count_words(page, "lm-eval") == task.process_results({"page": page}, (0.0,))["word_perplexity"][1]


def test_log_likelihoods_are_the_harnesss(tiny, backend_name):
    texts = [
        "A short text.",
        "x",
        "It is a truth universally acknowledged, that a single man. " * 3,
        "y" * 48,
        "z" * 49,
    ]
    found = measure(tiny, texts, protocol="lm-eval", backend=backend_name)
    np.testing.assert_allclose(-found.scores.columns["nats"], rolling_loglikelihoods(tiny, texts), rtol=1e-4)


def test_the_first_pages_of_wikitext_2_have_the_harnesss_figures(shared, builtin):
    text = (shared / "data" / "wikitext-2" / "wiki.test.raw").read_text(encoding="utf-8")[:12_000]
    found = measure(builtin, [text], plain=True, protocol="lm-eval")
    pages = wikitext_pages(text)
    task = imported("lm_eval.tasks.wikitext.preprocess_wikitext")
    loglikelihoods = rolling_loglikelihoods(builtin, [task.wikitext_detokenizer({"page": page}) for page in pages])
    results = [
        task.process_results({"page": page}, (value,)) for page, value in zip(pages, loglikelihoods, strict=True)
    ]
    words, utf8_bytes = (sum(result[name][1] for result in results) for name in ("word_perplexity", "byte_perplexity"))
    assert found.figures["word_perplexity"] == pytest.approx(exp(-sum(loglikelihoods) / words), rel=1e-4)
    assert found.figures["byte_perplexity"] == pytest.approx(exp(-sum(loglikelihoods) / utf8_bytes), rel=1e-4)
    assert found.figures["bits_per_byte"] == pytest.approx(-sum(loglikelihoods) / log(2) / utf8_bytes, rel=1e-4)
    np.testing.assert_allclose(-found.scores.columns["nats"], loglikelihoods, rtol=1e-4)
