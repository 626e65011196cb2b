"""How options are spelled, and what they turn into."""

import string
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gptcli.cli.sampling import option_name
from gptcli.engine.options import ModelOptions, SamplingOptions

WORDS = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=6), min_size=1, max_size=4)


@given(WORDS)
def test_an_option_may_be_spelled_with_underscores(words):
    assert option_name("_".join(words)) == option_name("-".join(words))


def test_transformers_names_are_understood(gptcli, task):
    spelled = "--max_new_tokens 3 --min_new_tokens=1 --num_return_sequences 2 --top_k 4 --top_p .5 --min_p .1"
    ended = gptcli(*f"generate x --repetition_penalty 2 --no_repeat_ngram_size 3 {spelled}".split())
    assert ended.code == 0
    assert task.config.num_samples == 2
    assert task.config.sampling == SamplingOptions(
        max_new_tokens=3,
        min_new_tokens=1,
        top_k=4,
        top_p=0.5,
        min_p=0.1,
        repetition_penalty=2,
        no_repeat_ngram_size=3,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.text(string.ascii_lowercase + "_-=", min_size=1, max_size=12))
def test_values_and_prompts_keep_their_underscores(gptcli, task, text):
    gptcli("generate", f"--stop=--{text}", "--ban", f"--{text}", "--", f"--{text}")
    assert task.config.sampling.stop == (f"--{text}",)
    assert task.config.sampling.ban == (f"--{text}",)


def test_a_prompt_that_looks_like_an_option_stands_behind_the_double_dash(gptcli):
    assert gptcli("generate", "--", "--top_k").out == "--top_k one\n"


def test_options_not_given_are_the_defaults_of_the_library(gptcli, task):
    gptcli("generate", "x")
    assert task.config.sampling == SamplingOptions()
    assert task.config.model == ModelOptions()


def test_greedy_is_temperature_0(gptcli, task):
    gptcli("generate", "x", "--greedy")
    assert task.config.sampling.temperature == 0


@pytest.mark.parametrize(
    ("text", "bias"), [("the=1.5", ("the", 1.5)), ("a=b=-inf", ("a=b", float("-inf"))), ("===2", ("==", 2.0))]
)
def test_a_logit_bias_is_split_at_the_last_equals_sign(gptcli, task, text, bias):
    gptcli("generate", "x", "--logit-bias", text)
    assert task.config.logit_bias == (bias,)


def test_the_model_may_come_from_the_environment(gptcli, task, monkeypatch):
    monkeypatch.setenv("GPTCLI_MODEL", "distilgpt2")
    gptcli("generate", "x")
    assert task.config.model.model == "distilgpt2"
    gptcli("generate", "x", "-m", "gpt2-xl")
    assert task.config.model.model == "gpt2-xl"


def test_a_seed_is_drawn_for_each_run_unless_given(gptcli, task):
    seeds = set()
    for _ in range(3):
        gptcli("generate", "x")
        seeds.add(task.config.seed)
    assert len(seeds) == 3
    gptcli("generate", "-", "--seed", "0", stdin=BytesIO(b"x\n"))
    assert task.config.seed == 0
