"""training.toml holds the options of a run so that they come back as they were."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.errors import ConfigError, OutputError
from gptcli.training.config_file import read, render, write

scalars = st.one_of(st.text(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
tables = st.dictionaries(st.text(), st.dictionaries(st.text(), st.one_of(scalars, st.lists(scalars))))


@given(tables)
def test_any_options_read_back_as_they_were(tmp_path, options):
    path = tmp_path / "training.toml"
    write(path, options)
    found = read(path)
    assert found == options
    assert repr(found) == repr(options)  # true is not 1, and 1.0 is not 1


@given(st.characters(exclude_categories=["Cs"]))
def test_every_character_survives_and_nothing_that_does_not_print_stands_in_the_file(character):
    text = render({"a": {"b": character}})
    assert tomllib.loads(text)["a"]["b"] == character
    assert all(line.isprintable() for line in text.split("\n"))


def test_the_file_says_how_to_repeat_the_run():
    text = render({"training": {"lr": 5e-05, "packing": True, "report_to": ("wandb",)}, "lora": {}})
    assert text == (
        "# Every option of this run. To repeat it: gptcli finetune --config training.toml\n"
        '\n[training]\nlr = 5e-05\npacking = true\nreport_to = ["wandb"]\n\n[lora]\n'
    )
    assert "gptcli pretrain --config" in render({}, command="pretrain")


def test_an_option_that_is_not_set_is_left_out():
    assert tomllib.loads(render({"training": {"max_steps": None, "seed": 0}})) == {"training": {"seed": 0}}


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_finite_is_refused(number):
    with pytest.raises(ConfigError, match=r"\[training\] lr must be a finite number"):
        render({"training": {"lr": number}})
    with pytest.raises(ConfigError, match=r"\[training\] lr must be a finite number"):
        render({"training": {"lr": [1.0, number]}})


def test_a_file_name_that_is_no_unicode_is_refused():
    with pytest.raises(ConfigError, match=r"\[data\] files: .* no UTF-8; rename it"):
        render({"data": {"files": ["caf\udce9.csv"]}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[training]\nlr = \n", ":2: is not TOML: Invalid value"),
        (b"[training]\nlr = 1\nlr = 2\n", ":3: is not TOML: Cannot overwrite a value"),
        (b'[training]\nlr = "a', ":2: is not TOML: Unterminated string"),
        (b"[training]\nname = '\xff'\n", ":2: is not UTF-8"),
        (b"lr = 1\n", ": lr stands in no table"),
        (b"[training]\nday = 2020-01-01\n", r": \[training\] day is a date"),
        (b"[training]\n[training.more]\n", r": \[training\] more is a table"),
        (b"[training]\na = [[1]]\n", r": \[training\] a is a list"),
        (b"[training]\nlr = inf\n", r": \[training\] lr must be a finite number"),
        (b"[training]\nlr = 1" + b"0" * 5000, ": "),
        (b"[training]\na = " + b"[" * 100_000, ": "),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, content, message):
    path = tmp_path / "training.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^{path}{message}") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"--config .*none\.toml cannot be read: No such file"):
        read(tmp_path / "none.toml")
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        write(tmp_path / "none" / "training.toml", {})
