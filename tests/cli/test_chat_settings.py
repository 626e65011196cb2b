"""What /set takes: the options of the command line, by their names and with their checks."""

from dataclasses import fields

import pytest

from gptcli.cli.chat_settings import NAMES, SAMPLING, Settings
from gptcli.cli.sampling import DrawingFlags
from gptcli.engine.options import SamplingOptions
from gptcli.errors import ConfigError

PLAIN = Settings(options=SamplingOptions(), logit_bias=(), seed=7)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("temperature=0.8", "temperature", 0.8),
        ("--temperature = 0", "temperature", 0.0),
        ("top-k=0", "top_k", 0),
        ("max_new_tokens=200", "max_new_tokens", 200),
        ("stop=.", "stop", (".",)),
        (r"stop=\n", "stop", ("\n",)),
        ("stop=' = '", "stop", (" = ",)),
        (r'stop=["a", "\n"]', "stop", ("a", "\n")),
        ("stop=", "stop", ()),
        ("ban=[]", "ban", ()),
    ],
)
def test_a_name_and_a_value_change_one_option(text: str, name: str, value: object) -> None:
    assert getattr(PLAIN.changed(text).options, name) == value


def test_the_seed_and_biases_can_be_set_too() -> None:
    assert PLAIN.changed("seed=3").seed == 3
    assert PLAIN.changed("logit_bias=the=-5").logit_bias == (("the", -5.0),)
    assert PLAIN.changed('logit_bias=[" the=-5", "7=2"]').logit_bias == ((" the", -5.0), ("7", 2.0))
    assert PLAIN.changed("logit_bias=the=1").changed("logit_bias=").logit_bias == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("temprature=1", "nothing is called 'temprature': did you mean temperature?"),
        ("max_length=3", "nothing is called 'max_length'"),
        ("greedy", "greedy is temperature=0: type /set temperature=0"),  # it was: did you mean seed?
        ("--greedy=true", "greedy is temperature=0"),
        ("xyz=3", "nothing is called 'xyz'; /set alone lists what there is"),
        ("temperature", "what is temperature to be? Type /set temperature=VALUE"),
        ("temperature=", "temperature wants a number, not ''"),
        ("temperature=hot", "temperature wants a number, not 'hot'"),
        ("temperature=nan", "--temperature must be a finite number"),
        ("temperature=-1", "--temperature must be at least 0, not -1"),
        ("top_p=2", "--top-p must be above 0 and at most 1, not 2"),
        ("top_k=1.5", "top_k wants a whole number, not '1.5'"),
        ("top_k=" + "9" * 5000, "top_k wants a whole number"),
        ("min_new_tokens=60", "--min-new-tokens 60 needs --max-new-tokens of as many or more, not 50"),
        ("stop=[1]", "stop wants an array of texts"),
        ("stop=[", 'stop wants a text, or several as ["one", "two"]'),
        ("stop=" + "[" * 100_000, "stop wants a text, or several"),
        ("logit_bias=the", "--logit-bias wants TOKEN=X with X a number, not 'the'"),
        ("logit_bias=the=inf", "--logit-bias 'the' must be below infinity"),
        ("seed=-1", "--seed must be at least 0 and below 2**64, not -1"),
        ("seed=x", "seed wants a whole number, not 'x'"),
    ],
)
def test_what_cannot_be_set_is_told_with_what_could_be(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PLAIN.changed(text)
    assert told in str(caught.value)


def test_every_option_of_the_command_line_can_be_set() -> None:
    names = {field.name for field in fields(DrawingFlags)} - {"greedy"}  # which is temperature=0
    assert names == set(NAMES)
    assert set(SAMPLING) <= {field.name for field in fields(SamplingOptions)}


def test_the_list_is_what_set_takes() -> None:
    changed = PLAIN.changed('stop=["a", "\\n"]').changed("logit_bias= x=1.5").changed("max_new_tokens=9")
    again = PLAIN
    for line in changed.lines():
        again = again.changed(line)
    assert again == changed
    assert "max_new_tokens=50" in PLAIN.lines()
