"""Perplexities and bits per byte, worked out by hand."""

from math import exp, inf, isnan, log

import pytest

from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.perplexity import count_words, perplexity, perplexity_report

FEW = Bootstrap(resamples=100)


def test_a_uniform_guess_among_eight_has_perplexity_8():
    assert perplexity(10 * log(8), 10) == pytest.approx(8)


def test_no_units_tell_nothing_and_no_number_is_too_large():
    assert isnan(perplexity(1, 0))
    assert perplexity(1e6, 1) == perplexity(inf, 1) == inf
    assert perplexity(0, 5) == 1


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
    report = perplexity_report([10, 60], tokens=[10, 20], words=[5, 15], utf8_bytes=[40, 100], bootstrap=FEW)
    assert (report.documents, report.nats, report.tokens, report.words, report.bytes) == (2, 70, 30, 20, 140)
    assert report.token_perplexity.value == pytest.approx(exp(70 / 30))
    assert report.word_perplexity.value == pytest.approx(exp(70 / 20))
    assert report.byte_perplexity.value == pytest.approx(exp(70 / 140))
    assert report.bits_per_byte.value == pytest.approx(0.5 / log(2))
    assert report.byte_perplexity.value == pytest.approx(2**report.bits_per_byte.value)
    assert report.token_perplexity.low == pytest.approx(exp(1))
    assert report.token_perplexity.high == pytest.approx(exp(3))


def test_a_document_of_white_space_counts_though_it_has_no_words():
    report = perplexity_report([1, 4], tokens=[1, 4], words=[0, 2], utf8_bytes=[1, 9], bootstrap=FEW)
    assert report.word_perplexity.value == pytest.approx(exp(5 / 2))


def test_no_documents_tell_nothing():
    report = perplexity_report([], tokens=[], words=[], utf8_bytes=[], bootstrap=FEW)
    assert (report.documents, report.nats, report.tokens) == (0, 0, 0)
    assert isnan(report.token_perplexity.value)
    assert isnan(report.bits_per_byte.high)


def test_a_document_that_a_model_gives_no_chance_has_infinite_perplexity():
    report = perplexity_report([1, inf], tokens=[1, 1], words=[1, 1], utf8_bytes=[1, 1], bootstrap=FEW)
    assert report.token_perplexity.value == report.bits_per_byte.value == inf
    assert isnan(report.token_perplexity.low)
