"""A file's tables are checked against a layout, and what is wrong is named with its place."""

from typing import Literal

import pytest

from gptcli.errors import ConfigError
from gptcli.training.typed_tables import check_tables

LAYOUT = {
    "training": {
        "lr": float,
        "max_steps": int | None,
        "batch_size": int | Literal["auto"],
        "schedule": Literal["linear", "cosine"],
        "packing": bool,
        "sample_prompt": str | None,
        "report_to": tuple[str, ...],
    },
    "data": {},
}


def checked(**options):
    return check_tables("x.toml", {"training": options}, LAYOUT)["training"]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("lr", 1, 1.0),
        ("max_steps", 3, 3),
        ("max_steps", "none", None),
        ("batch_size", "auto", "auto"),
        ("batch_size", 4, 4),
        ("schedule", "cosine", "cosine"),
        ("packing", True, True),
        ("sample_prompt", "none", "none"),
        ("report_to", ["wandb"], ("wandb",)),
    ],
)
def test_a_value_is_kept_as_its_type_has_it(name, value, kept):
    found = checked(**{name: value})[name]
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("lr", "fast", "must be a number, not 'fast'"),
        ("lr", True, "must be a number, not true"),
        ("max_steps", 3.5, "must be a whole number or none, not 3.5"),
        ("max_steps", False, "must be a whole number or none, not false"),
        ("batch_size", "car", "must be a whole number or auto, not 'car'"),
        ("schedule", "wave", "must be one of linear, cosine, not 'wave'"),
        ("packing", 1, "must be true or false, not 1"),
        ("sample_prompt", 1, "must be a text, not 1"),
        ("report_to", "wandb", "must be a list, each a text, not 'wandb'"),
        ("report_to", [1], "must be a list, each a text, not [1]"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(name, value, told):
    with pytest.raises(ConfigError) as caught:
        checked(**{name: value})
    assert str(caught.value) == f"x.toml: [training] {name} {told}"


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"trainnig": {}}, "x.toml: unknown table [trainnig]: training perhaps?"),
        ({"zzz": {}}, "x.toml: unknown table [zzz]: there are training, data"),
        ({"training": {"max_step": 1}}, "x.toml: [training] has no option max_step: max_steps perhaps?"),
        ({"training": {"qqq": 1}}, "x.toml: [training] has no option qqq: there are lr, max_steps"),
        ({"data": {"qqq": 1}}, "x.toml: [data] has no option qqq"),
    ],
)
def test_an_unknown_name_is_refused_and_the_nearest_is_suggested(tables, told):
    with pytest.raises(ConfigError) as caught:
        check_tables("x.toml", tables, LAYOUT)
    assert str(caught.value).startswith(told)
