"""The card of a tuned model: the Hub reads it, a person finds out what was done, and it says the same every time."""

import ast
import dataclasses
import re
import shlex

import pytest
import yaml
from huggingface_hub import ModelCard

from gptcli.training.card import CardFacts, DataFacts, render_card
from gptcli.training.cut import Cut

DATA = DataFacts(
    files=("reviews.csv",),
    train=900,
    validation=100,
    split="--validation-split 0.1, by a hash of each row",
    unreadable=1,
    empty=2,
    duplicates=3,
    leaked=0,
    digest="ab12",
    labels=(("negative", 450), ("positive", 450)),
    cut=Cut(),
)
FACTS = CardFacts(
    name="sentiment",
    task="classify",
    base_model="gpt2",
    base_model_id="openai-community/gpt2",
    parameters=124_441_344,
    trainable=124_441_344,
    data=DATA,
    label_kind="single",
    options={"training": {"lr": 5e-5, "epochs": 3.0, "max_steps": None}},
    metrics={"loss": 0.2512345, "macro_f1": 0.912},
    steps=340,
    best_step=238,
    tokens=54321,
    reason="3 epochs",
    example="a moving, funny film",
)
COMPLETE = dataclasses.replace(
    FACTS,
    task="complete",
    label_kind=None,
    template="Q: {question}\nA:",
    example="What's 2|2?",
    example_prompt="Q: What's 2|2?\nA:",
    eos_probability=0.93,
    data=dataclasses.replace(DATA, labels=()),
)


def card(facts=FACTS, **changes):
    return render_card(dataclasses.replace(facts, **changes))


def metadata(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_the_hub_reads_the_front_matter():
    data = ModelCard(card()).data
    assert data.to_dict()["library_name"] == "transformers"
    assert data.pipeline_tag == "text-classification"
    assert data.base_model == "openai-community/gpt2"
    assert data.tags == ["gpt2", "gptcli"]
    assert data.license is None


def test_an_adapter_names_peft_and_a_model_of_your_own_has_no_base_on_the_hub():
    adapter = metadata(card(adapter=True, trainable=1000))
    assert adapter["library_name"] == "peft"
    assert adapter["base_model_relation"] == "adapter"
    assert adapter["tags"] == ["gpt2", "gptcli", "lora"]
    own = card(base_model="./mine", base_model_id=None)
    assert "base_model" not in metadata(own)
    assert "tuned from `./mine`" in own
    assert "trained from scratch with `gptcli pretrain`" in card(
        base_model=None, base_model_id=None, command="pretrain"
    )


def test_it_tells_the_data_the_result_and_the_options():
    text = card()
    for line in (
        "| files | `reviews.csv` |",
        "| rows to train on | 900 |",
        "| duplicates in the training rows | 3 |",
        "| BLAKE2b hash of the rows and their split | `ab12` |",
        "| `negative` | 450 |",
        "| loss | 0.2512 |",
        "| macro f1 | 0.912 |",
        "| `training` | `lr` | `5e-05` |",
    ):
        assert line in text
    assert "weights of step 238, the best" in text
    assert "max_steps" not in text


def test_of_paths_it_tells_the_names_alone():
    options = {"data": {"paths": ["/home/ann/reviews.csv", "-"], "validation": "/home/ann/dev.csv", "lines": False}}
    text = card(options=options)
    assert '| `data` | `paths` | `["reviews.csv", "-"]` |' in text
    assert "| `data` | `validation` | `dev.csv` |" in text
    assert "| `data` | `lines` | `false` |" in text


def test_the_snippets_are_what_a_shell_and_python_read():
    text = card(COMPLETE, name="my model's")
    shell, python = (re.search(rf"```{name}\n(.*?)\n```", text, re.DOTALL)[1] for name in ("sh", "python"))
    assert shlex.split(shell) == ["gptcli", "generate", "-m", "./my model's", "What's 2|2?"]
    calls = [node.args[0].value for node in ast.walk(ast.parse(python)) if isinstance(node, ast.Call)]
    assert set(calls) == {"text-generation", "Q: What's 2|2?\nA:"}
    assert "```text\nQ: {question}\nA:\n```" in text


def test_all_labels_are_asked_for_where_several_may_hold():
    assert "top_k=None" in card(label_kind="multi")
    assert "top_k" not in card()


def test_a_model_that_does_not_stop_is_said_not_to():
    assert "93.0% on average" in card(COMPLETE)
    assert "not learned to stop" not in card(COMPLETE)
    assert "not learned to stop" in card(COMPLETE, eos_probability=0.01)
    assert "end mark" not in card()


def test_what_was_cut_and_what_leaked_are_limits():
    text = card(data=dataclasses.replace(DATA, cut=Cut(rows=7, tokens=1234), leaked=5))
    assert "Of the training rows 7 were longer than `--max-length`; 1,234 of their tokens were not learned." in text
    assert "Validation rows that also stand in the training rows: 5. The result flatters the model." in text


def test_a_count_that_is_estimated_is_said_to_be():
    """It stood there like one of all rows."""
    text = card(data=dataclasses.replace(DATA, cut=Cut(rows=7000, tokens=1234, estimated=True)))
    assert "| longer than `--max-length` | about 7,000 |" in text
    assert "Of the training rows about 7,000 were longer than `--max-length`; about 1,234 of their tokens" in text


def test_a_model_without_validation_says_that_nothing_was_measured():
    assert "nothing was measured" in card(metrics={}, best_step=None)


def test_many_labels_are_counted_together():
    labels = tuple((f"intent {number}", 2) for number in range(150))
    text = card(data=dataclasses.replace(DATA, labels=labels))
    assert "| 100 more | 200 |" in text


@pytest.mark.parametrize("nasty", ["a|b", "``x`", "two\nlines", "<script>", " ", "", "---\nlicense: mit", "\x1b[31m"])
def test_no_name_or_label_breaks_the_markdown(nasty):
    text = card(
        COMPLETE,
        name=nasty,
        base_model=nasty,
        base_model_id=None,
        template=nasty,
        options={"data": {"files": [nasty], "text_column": nasty}},
        data=dataclasses.replace(DATA, files=(nasty,), labels=((nasty, 1),)),
    )
    assert metadata(text) == metadata(card(COMPLETE, base_model_id=None))
    tables = [line for line in re.sub(r"(?s)```.*?```\n", "", text).split("\n") if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert widths == {3, 4}
    assert "\x1b" not in "".join(tables)


def test_the_same_facts_give_the_same_card():
    assert card() == card()
    assert not re.search(r"\b20\d\d-\d\d", card())
