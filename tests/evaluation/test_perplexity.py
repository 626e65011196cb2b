"""Perplexities and bits per byte, worked out by hand."""

from math import exp, inf, isnan, log

import numpy as np
import pytest

from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.measures import Metric, Ratio
from gptcli.evaluation.perplexity import bits, count_words, perplexity
from gptcli.evaluation.scores import RowScores

FEW = Bootstrap(resamples=100)
METRIC = Metric(name="perplexity", title="perplexity", better="lower")


def interval_of(nats, units, function=perplexity):
    columns = {"nats": np.array(nats, np.float64), "units": np.array(units, np.float64)}
    measure = Ratio(metric=METRIC, numerator="nats", denominator="units", function=function)
    (figure,) = measure.figures(RowScores(index=np.arange(len(nats)), columns=columns), FEW)
    return figure.interval


def test_a_uniform_guess_among_eight_has_perplexity_8_and_3_bits():
    nats = np.array([log(8)])
    assert perplexity(nats).tolist() == pytest.approx([8])
    assert bits(nats).tolist() == pytest.approx([3])
    assert bits(log(8)) == pytest.approx(3)


def test_no_number_is_too_large_and_nothing_is_told_of_nothing():
    assert perplexity(np.array([1e6, inf, 0])).tolist() == [inf, inf, 1]
    assert isnan(perplexity(np.array([np.nan])).item())


@pytest.mark.parametrize(
    ("text", "whitespace", "harness", "wikitext"),
    [
        ("one two\nthree\n", 3, 4, 5),
        (" \n = Title = \n \n Some text .\n", 6, 8, 10),
        ("one two", 2, 2, 3),
        ("", 0, 1, 0),
    ],
)
def test_words_are_counted_as_others_count_them(text, whitespace, harness, wikitext):
    assert count_words(text, "whitespace") == whitespace
    assert count_words(text, "lm-eval") == harness
    assert count_words(text, "wikitext") == wikitext


def test_wikitext_2_has_as_many_tokens_as_its_authors_counted(shared):
    text = (shared / "data" / "wikitext-2" / "wiki.test.raw").read_text(encoding="utf-8")
    assert count_words(text, "wikitext") == 245_569


def test_documents_are_summed_before_they_are_divided():
    a_token, a_byte = interval_of([10, 60], [10, 20]), interval_of([10, 60], [40, 100])
    assert a_token.value == pytest.approx(exp(70 / 30))
    assert a_byte.value == pytest.approx(exp(70 / 140))
    assert interval_of([10, 60], [40, 100], bits).value == pytest.approx(0.5 / log(2))
    assert a_byte.value == pytest.approx(2 ** interval_of([10, 60], [40, 100], bits).value)


def test_the_ends_of_an_interval_are_mapped_as_the_figure_is():
    interval = interval_of([10, 60], [10, 20])
    assert (interval.low, interval.high) == pytest.approx((exp(1), exp(3)))


def test_a_document_of_white_space_counts_though_it_has_no_words():
    assert interval_of([1, 4], [0, 2]).value == pytest.approx(exp(5 / 2))


def test_no_documents_tell_nothing():
    assert isnan(interval_of([], []).value)
    assert isnan(interval_of([], [], bits).high)
    assert isnan(interval_of([1], [0]).value), "of no units"


def test_a_document_that_a_model_gives_no_chance_has_infinite_perplexity():
    interval = interval_of([1, inf], [1, 1])
    assert interval.value == interval_of([1, inf], [1, 1], bits).value == inf
    assert isnan(interval.low)
