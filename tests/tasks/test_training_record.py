"""What a run writes to training.toml reads back as the same run."""

import dataclasses
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.errors import ConfigError
from gptcli.tasks.training_config import FinetuneConfig, PretrainConfig, RunOptions
from gptcli.tasks.training_record import (
    FINETUNE,
    PRETRAIN,
    data_of,
    given_of,
    layered,
    read_tables,
    shape_of,
    tables_of_finetune,
    tables_of_pretrain,
)
from gptcli.training.config_file import write
from gptcli.training.options import LoraOptions, TrainingOptions
from gptcli.training.sizes import SIZES, ShapeOptions

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
PART = st.floats(0.0, 0.99)
COUNT = st.integers(1, 10**6)
POSITIVE = st.floats(1e-9, 1e9)
PATHS = st.lists(st.one_of(st.just("-"), st.from_regex(r"/[a-zA-Z é\"]{1,9}\.csv", fullmatch=True)), min_size=1)
COLUMNS = st.one_of(
    st.fixed_dictionaries({"text_column": st.none() | TEXT}),
    st.fixed_dictionaries({"prompt_columns": st.lists(TEXT, max_size=3).map(tuple), "completion_column": TEXT}),
    st.fixed_dictionaries({"task": st.sampled_from(["auto", "classify"]), "label_column": st.none() | TEXT}),
)
VALIDATION = st.one_of(
    st.fixed_dictionaries({"validation_split": PART}),
    st.fixed_dictionaries({"validation": st.just("/v.csv")}),
)
LORA = st.none() | st.builds(
    LoraOptions,
    rank=COUNT,
    alpha=st.none() | POSITIVE,
    dropout=PART,
    target=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    merge=st.booleans(),
)
OPTIONS = st.builds(
    TrainingOptions,
    epochs=POSITIVE,
    max_steps=st.none() | COUNT,
    max_tokens=st.none() | COUNT,
    max_time=st.none() | POSITIVE,
    batch_size=COUNT | st.just("auto"),
    lr=POSITIVE,
    warmup=PART,
    schedule=st.sampled_from(["linear", "cosine", "constant", "wsd"]),
    optimizer=st.sampled_from(["adamw", "muon"]),
    max_length=st.none() | st.integers(2, 2048),
    packing=st.booleans(),
    dropout=st.none() | PART,
    seed=st.integers(0, 2**63 - 1),
    early_stopping=st.none() | COUNT,
    sample_prompt=st.none() | st.just("none") | TEXT,
    lora=LORA,
    report_to=st.lists(st.sampled_from(["tensorboard", "wandb"]), unique=True).map(tuple),
)
ENDLESS = st.builds(TrainingOptions, epochs=st.none(), max_time=POSITIVE)


def read_back(tables, layout, command):
    with TemporaryDirectory() as directory:
        path = Path(directory, "training.toml")
        write(path, tables, command=command)
        return read_tables(path, layout)


def finetune_config(data: DataOptions, **changes) -> FinetuneConfig:
    return FinetuneConfig(data=data, stdin=BytesIO(), run=RunOptions(output="o", **changes))


@settings(deadline=None)
@given(PATHS, COLUMNS, VALIDATION, st.none() | TEXT.filter(str.strip), OPTIONS | ENDLESS)
def test_a_finetune_reads_back_as_it_was_written(paths, columns, validation, separator, options):
    paths = tuple(dict.fromkeys(paths))
    if "text_column" in columns or "label_column" in columns:
        validation = validation | {"label_separator": separator}
    data = DataOptions(paths=paths, wanted=WantedRoles(**columns), lines=True, **validation)
    tables = read_back(tables_of_finetune(finetune_config(data, device="cpu"), options), FINETUNE, "finetune")
    assert data_of(tables) == data
    assert TrainingOptions(**given_of(tables)) == options
    assert tables["model"] == {"device": "cpu"}


@settings(deadline=None)
@given(PATHS, st.none() | TEXT, PART, st.sampled_from(sorted(SIZES)), st.none() | COUNT, OPTIONS)
def test_a_pretrain_reads_back_as_it_was_written(paths, column, split, size, vocab_size, options):
    options = dataclasses.replace(options, lora=None)
    paths = tuple(path for path in paths if path != "-") or ("/a.txt",)
    config = PretrainConfig(
        paths=paths,
        run=RunOptions(output="o"),
        column=column,
        vocab_size=vocab_size,
        shape=ShapeOptions(size=size, n_layer=3),
        validation_split=split,
    )
    tables = read_back(tables_of_pretrain(config, options), PRETRAIN, "pretrain")
    assert tables["data"] == {"paths": paths, "validation_split": split} | (
        {} if column is None else {"column": column}
    )
    assert tables["model"].get("vocab_size") == vocab_size
    assert tables["model"]["tokenizer"] == "train"
    assert shape_of(tables) == config.shape
    assert TrainingOptions(**given_of(tables)) == options


def test_every_option_of_a_run_is_written_even_one_that_is_none():
    tables = tables_of_finetune(finetune_config(DataOptions(paths=("-",))), TrainingOptions())
    assert tables["training"].keys() | {"lora"} == {field.name for field in dataclasses.fields(TrainingOptions)}
    assert tables["training"]["max_steps"] == "none"
    assert tables["training"]["sample_prompt"] is None


def test_data_and_models_on_this_disk_are_found_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    data = DataOptions(paths=("a.csv", "-"), validation="b.csv")
    config = dataclasses.replace(finetune_config(data), model="base")
    tables = tables_of_finetune(config, TrainingOptions())
    assert tables["data"]["paths"] == [str(tmp_path / "a.csv"), "-"]
    assert tables["data"]["validation"] == str(tmp_path / "b.csv")
    assert tables["model"]["model"] == str(tmp_path / "base")
    named = tables_of_finetune(dataclasses.replace(config, model="gpt2"), TrainingOptions())
    assert named["model"]["model"] == "gpt2"


def test_a_later_layer_wins_option_by_option():
    under = {"training": {"lr": 1.0, "seed": 1}, "data": {"lines": True}}
    assert layered(under, {"training": {"lr": 2.0}}) == {"training": {"lr": 2.0, "seed": 1}, "data": {"lines": True}}


def test_what_ends_a_run_is_replaced_as_a_whole():
    under = {"training": {"epochs": 3.0, "max_steps": None, "lr": 1.0}}
    assert layered(under, {"training": {"max_time": 5.0}}) == {"training": {"max_time": 5.0, "lr": 1.0}}
    assert layered({"data": {"validation": "v"}}, {"data": {"validation_split": 0.5}}) == {
        "data": {"validation_split": 0.5}
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[training]\nlr = -1.0", "--lr must be above 0, not -1"),
        ("[lora]\nalpha = 2.0", "[lora] has no rank"),
        ("[lora]\nrank = 0", "--lora must be at least 1, not 0"),
        ('[data]\nvalidation = "v"\nvalidation_split = 0.1', "[data] validation and validation_split contradict"),
        ("[data]\ncolumn = 'x'\n[model]\ntokenizer = 'train'", "is of gptcli pretrain, whose options are others"),
        ("[data]\nlabel_colum = 1", "[data] has no option label_colum: label_column perhaps?"),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_name(tmp_path, text, told):
    path = tmp_path / "training.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_tables(path, FINETUNE)
    assert str(caught.value).startswith((f"{path}: {told}", f"{path} {told}"))
