"""Perplexity of texts: every token scored once by our convention, and the numbers of others by theirs."""

import re
from math import exp, log

import numpy as np
import pytest

from gptcli.errors import ConfigError, InputError
from gptcli.evaluation.detokenizers import wikitext_detokenized
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from tests.conftest import save_random_gpt2
from tests.perplexities import (
    FEW,
    logprobs_of,
    measure,
    perplexity_by_llama_cpp,
    perplexity_by_the_documentation,
    tokens_of,
)

CONTEXT = 48  # of the tiny model, whose tokens are characters
SHORT = "A short text."
LONG = "It is a truth universally acknowledged, that a single man in possession of a good fortune " * 3
WIKI = " \n = One = \n \n The 5 @,@ 000 words ( and more ) of it . \n \n = Two = \n \n A second page , \n with lines \n"


def nats_by_hand(directory, tokens, context):
    """Return what each token but the first costs after as many others as the context holds, one by one."""
    return [-logprobs_of(directory, tokens[max(0, place - context) : place + 1])[-1] for place in range(1, len(tokens))]


def test_a_stride_of_one_gives_each_token_all_the_context_there_is(tiny, backend_name):
    found = measure(tiny, [LONG[:20]], context=8, stride=1, backend=backend_name)
    wanted = nats_by_hand(tiny, [0, *tokens_of(tiny, LONG[:20])], 8)
    assert found.sum("nats") == pytest.approx(sum(wanted), rel=1e-4)
    assert (found.sum("tokens"), found.sum("unscored")) == (20, 0)


def test_by_default_the_beginning_is_read_and_half_of_the_context_is_new(tiny):
    found = measure(tiny, [LONG])
    assert found.figures == measure(tiny, [LONG], context=CONTEXT, stride=CONTEXT // 2, bos=True).figures
    assert found.details["context"] == CONTEXT
    assert found.details["stride"] == CONTEXT // 2
    assert found.details["bos"] is True


def test_units_are_counted_by_hand(tiny):
    found = measure(tiny, ["two words", "and é more"])
    assert found.scores.columns["tokens"].tolist() == [9, 9], "the tiny model has no token for é"
    assert found.scores.columns["words"].tolist() == [2, 3]
    assert found.scores.columns["bytes"].tolist() == [9, 11]
    nats = found.sum("nats")
    assert found.figures == {
        "bits_per_byte": pytest.approx(nats / log(2) / 20),
        "token_perplexity": pytest.approx(exp(nats / 18)),
        "word_perplexity": pytest.approx(exp(nats / 5)),
        "byte_perplexity": pytest.approx(exp(nats / 20)),
    }


def test_a_text_is_measured_alike_alone_and_among_others_whatever_the_batch(tiny, backend_name):
    texts = [SHORT, LONG, "x", LONG[:50], "Another one."]
    together = measure(tiny, texts, backend=backend_name).scores.columns["nats"]
    for batch_size in (1, 2, 7):
        alone = measure(tiny, texts, backend=backend_name, batch_size=batch_size).scores.columns["nats"]
        np.testing.assert_allclose(alone, together, rtol=1e-6)
    apart = [measure(tiny, [text], backend=backend_name).sum("nats") for text in texts]
    np.testing.assert_allclose(apart, together, rtol=1e-6)


def test_without_a_beginning_the_first_token_of_each_text_is_not_scored(tiny):
    found = measure(tiny, [SHORT, "xy"], bos=False)
    assert found.scores.columns["unscored"].tolist() == [1, 1]
    assert found.scores.columns["bytes"].tolist() == [len(SHORT) - 1, 1]
    assert found.scores.columns["words"].tolist() == pytest.approx([3 * (1 - 1 / len(SHORT)), 0.5])
    assert found.sum("nats") == pytest.approx(
        -logprobs_of(tiny, tokens_of(tiny, SHORT)).sum() - logprobs_of(tiny, tokens_of(tiny, "xy")).sum(), rel=1e-4
    )


def test_texts_too_short_to_score_are_left_out_and_told(tiny):
    found = measure(tiny, [SHORT, "", "x", LONG])
    assert found.scores.index.tolist() == [0, 2, 3]
    assert found.notices == ["texts without a token that another predicts, left out: 1 (first: in.txt:2)"]
    without = measure(tiny, [SHORT, "", "x", LONG], bos=False)
    assert without.scores.index.tolist() == [0, 3]
    assert without.notices == ["texts without a token that another predicts, left out: 2 (first: in.txt:2)"]
    assert without.done == [0, 1, 2, 3]
    assert measure(tiny, [LONG, "x"], bos=False).details["texts"] == 1
    assert measure(tiny, [LONG, "x"], bos=False).scores.columns["block"].tolist() == [0], "as with any other model"
    assert measure(tiny, ["", ""]).scores.rows == 0


def test_a_single_text_is_parted_into_blocks_whose_sums_are_its_own(tiny):
    text = LONG * 40
    alone, among = measure(tiny, [text, ""]), measure(tiny, [SHORT, text])
    assert alone.scores.rows == -(-len(text) // 4096) > 2
    assert alone.scores.columns["bytes"].tolist()[:2] == [4096, 4096]
    assert among.scores.rows == 2
    for column in ("nats", "tokens", "bytes", "words"):
        assert alone.sum(column) == pytest.approx(among.scores.columns[column][1], rel=1e-6)
    assert alone.details["texts"] == 1
    assert among.details["texts"] == 2
    (bits, *_) = alone.evaluator.figures(alone.scores, FEW)
    assert bits.interval.low < bits.interval.value < bits.interval.high
    assert alone.evaluator.row(alone.scores, 1)["block"] == 1
    assert alone.evaluator.source_row(alone.scores, 1) == 0
    assert "block" not in among.evaluator.row(among.scores, 1)


def test_texts_of_a_stream_are_read_behind_each_other(tiny):
    texts = ["One.", "Then another one", "", "!"]
    found = measure(tiny, texts, separator=" -- ", context=8, stride=1)
    stream, owners = [0], [-1]
    for number, text in enumerate(text for text in texts if text):
        between = tokens_of(tiny, " -- ") if number else []
        stream += [*between, *tokens_of(tiny, text)]
        owners += [-1] * len(between) + [number] * len(text)
    nats = np.array(nats_by_hand(tiny, stream, 8))
    wanted = [nats[np.array(owners[1:]) == number].sum() for number in range(3)]
    np.testing.assert_allclose(found.scores.columns["nats"], wanted, rtol=1e-4)
    assert found.scores.index.tolist() == [0, 1, 3]
    assert found.scores.columns["unscored"].tolist() == [0, 0, 0]
    assert found.notices == ["texts without a token, left out: 1 (first: in.txt:3)"]
    alone = measure(tiny, [LONG, ""], separator=" -- ")
    assert alone.figures == measure(tiny, [LONG]).figures


@pytest.mark.parametrize(("context", "stride"), [(48, 48), (48, 24), (20, 7), (40, 40)])
def test_hf_docs_is_the_documentations_loop(tiny, context, stride):
    text = LONG[:200]
    found = measure(tiny, [text], plain=True, protocol="hf-docs", context=context, stride=stride)
    wanted = perplexity_by_the_documentation(tiny, text, max_length=context, stride=stride)
    assert found.figures["token_perplexity"] == pytest.approx(wanted, rel=1e-4)
    assert next(iter(found.figures)) == "token_perplexity"


def test_hf_docs_joins_a_files_lines_as_rows_of_datasets(builtin):
    rows = ["", " = One = \n", "", " The 5 @,@ 000 words ( and more ) of it . \n", ""]
    rows += [" = Two = \n", "", " A second page , \n", " with lines \n"]
    of_file = measure(builtin, [WIKI], plain=True, protocol="hf-docs", context=16)
    of_table = measure(builtin, rows, protocol="hf-docs", context=16)
    assert of_file.figures == of_table.figures
    wanted = perplexity_by_the_documentation(builtin, "\n\n".join(rows), max_length=16, stride=16)
    assert of_table.figures["token_perplexity"] == pytest.approx(wanted, rel=1e-4)
    assert of_table.done == list(range(9))
    assert of_table.evaluator.convention["separator"] == "\n\n"


def test_hf_docs_leaves_out_a_window_of_which_the_loop_makes_no_number(tiny):
    text = LONG[: 3 * 48 + 1]
    found = measure(tiny, [text], plain=True, protocol="hf-docs")
    assert found.notices == ["windows of one token, of which that loop makes no number, left out: 1 (first: in.txt:1)"]
    shorter = measure(tiny, [text[:-1]], plain=True, protocol="hf-docs")
    assert found.figures["token_perplexity"] == shorter.figures["token_perplexity"]


def test_llama_cpp_is_its_loop(tiny):
    text = LONG[:210]
    found = measure(tiny, [f"{text}\n"], plain=True, protocol="llama.cpp", context=40)
    assert found.figures["token_perplexity"] == pytest.approx(perplexity_by_llama_cpp(tiny, text, context=40), rel=1e-4)
    assert found.details["tokens"] == 5 * (40 - 1 - 20)
    assert found.details["tokens_not_scored"] == 210 - 5 * 19
    assert found.notices == ["texts whose last 10 tokens fill no chunk and are left out: 1 (first: in.txt:1)"]


def test_gpt2_paper_counts_wikitexts_own_tokens(builtin):
    found = measure(builtin, [WIKI], plain=True, protocol="gpt2-paper", stride=256)
    tokens = [0, *tokens_of(builtin, wikitext_detokenized(WIKI))]
    words = len(WIKI.split()) + WIKI.count("\n")
    nats = -logprobs_of(builtin, tokens).sum()
    assert found.figures["word_perplexity"] == pytest.approx(exp(nats / words), rel=1e-4)
    assert next(iter(found.figures)) == "word_perplexity"
    assert found.figures == measure(builtin, WIKI.splitlines(), protocol="gpt2-paper", stride=256).figures


def test_lm_eval_measures_page_by_page_and_counts_before_it_detokenizes(builtin):
    found = measure(builtin, [WIKI], plain=True, protocol="lm-eval")
    pages = [" = One = \n \n The 5 @,@ 000 words ( and more ) of it . \n ", WIKI[WIKI.index(" = Two") :]]
    wanted = [-logprobs_of(builtin, [0, *tokens_of(builtin, wikitext_detokenized(page))]).sum() for page in pages]
    np.testing.assert_allclose(found.scores.columns["nats"], wanted, rtol=1e-4)
    assert found.scores.columns["words"].tolist() == [len(re.split(r"\s+", page)) for page in pages]
    assert found.scores.columns["bytes"].tolist() == [len(page) for page in pages]
    assert found.done == [0]
    assert found.evaluator.row(found.scores, 1)["page"] == 1
    assert found.figures == measure(builtin, pages, protocol="lm-eval").figures


def test_models_are_compared_text_by_text(tiny, tmp_path):
    other = save_random_gpt2(tmp_path / "other", seed=1)
    texts = [SHORT, LONG, "Another one.", "More of it"]
    first, second = measure(tiny, texts), measure(other, texts)
    bits, nats = first.evaluator.differences(first.scores, second.scores, FEW)
    assert (bits.name, nats.name) == ("bits_per_byte", "nats_per_token")
    wanted = first.figures["bits_per_byte"] - second.figures["bits_per_byte"]
    assert bits.comparison.difference.value == pytest.approx(wanted)
    ratio = first.figures["token_perplexity"] / second.figures["token_perplexity"]
    assert exp(nats.comparison.difference.value) == pytest.approx(ratio)
    lower = first.scores.columns["nats"] < second.scores.columns["nats"]
    assert bits.comparison.wins == lower.sum()


def test_models_of_other_tokens_compare_by_bytes_alone(tiny, builtin):
    texts = [SHORT, LONG]
    for options in ({}, {"bos": False}):
        first, second = measure(tiny, texts, **options), measure(builtin, texts, **options)
        (bits,) = first.evaluator.differences(first.scores, second.scores, FEW)
        assert bits.name == "bits_per_byte"
    assert first.scores.columns["bytes"].tolist() != second.scores.columns["bytes"].tolist()
    assert first.evaluator.token_metrics == {"token_perplexity", "nats_per_token"}


def test_a_block_of_which_nothing_is_scored_does_not_count_in_a_comparison(tiny):
    text = "many words " * 800
    found = measure(tiny, [text], plain=True, protocol="llama.cpp", context=48)
    scores = found.scores.taken(np.arange(found.scores.rows))
    scores.columns["bytes"][-1] = 0
    (bits, _) = found.evaluator.differences(scores, found.scores, FEW)
    assert bits.comparison.difference.rows == found.scores.rows - 1
    assert bits.comparison.difference.value == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"context": 0}, "--context must be at least 1, not 0"),
        ({"stride": 0}, "--stride must be at least 1, not 0"),
        ({"context": 8, "stride": 9}, "--stride must be at most the context, 8 tokens, not 9"),
        ({"separator": ""}, "--separator has no tokens"),
        ({"protocol": "llama.cpp", "context": 2}, "--context must be at least 3, not 2"),
        ({"protocol": "llama.cpp", "stride": 2}, "--stride and --protocol llama.cpp contradict each other"),
        ({"protocol": "lm-eval", "stride": 2}, "--stride and --protocol lm-eval contradict each other"),
        ({"protocol": "hf-docs", "bos": False}, "--no-bos and --protocol hf-docs contradict each other"),
        ({"protocol": "gpt2-paper", "bos": True}, "--bos and --protocol gpt2-paper contradict each other"),
        ({"protocol": "hf-docs", "separator": " "}, "--separator and --protocol hf-docs contradict each other"),
        ({"protocol": "wikitext"}, "--protocol of perplexity must be hf-docs, "),
    ],
)
def test_options_that_cannot_be_are_refused(options, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        PerplexityOptions(**options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"context": 49}, "--context 49: this model's is 48 tokens; give --context 48 or less"),
        ({"stride": 49}, "--stride must be at most the context, 48 tokens, not 49"),
        ({"protocol": "llama.cpp"}, "--protocol llama.cpp has a context of 512: this model's is 48 tokens"),
        ({"separator": "é"}, "--separator 'é' has no tokens in this model's vocabulary"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(tiny, options, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        measure(tiny, [SHORT], **options)


def test_a_model_without_a_beginning_can_do_without(tmp_path):
    bare = save_random_gpt2(tmp_path / "bare", bos_token_id=None, eos_token_id=None)
    assert measure(bare, [SHORT, LONG]).details["bos"] is False
    with pytest.raises(ConfigError, match="--bos needs a beginning-of-text token"):
        measure(bare, [SHORT], bos=True)
    with pytest.raises(ConfigError, match="--protocol lm-eval needs a beginning-of-text token"):
        measure(bare, [SHORT], protocol="lm-eval")


def test_a_text_shorter_than_two_chunks_is_refused_as_llama_cpp_does(tiny):
    told = "in.txt:1: has 79 tokens, --protocol llama.cpp needs two chunks of 40; give a smaller --context"
    with pytest.raises(InputError, match=told):
        measure(tiny, [LONG[:79]], plain=True, protocol="llama.cpp", context=40)
