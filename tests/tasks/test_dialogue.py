"""Conversations as tokens: each format, its stop texts, the window, and which format a model is given."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.data.templates import PromptTemplate
from gptcli.errors import ConfigError, InputError, ModelError
from gptcli.tasks.dialogue import DialogueFormat, Turn, fit
from gptcli.tasks.dialogue_formats import check_wanted, dialogue_format

NOWHERE = Path("/nonexistent")
DIALOGPT_TEMPLATE = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"


def says(*texts: str, system: str | None = None) -> list[Turn]:
    """Return turns, the user's first."""
    head = [] if system is None else [Turn(role="system", text=system)]
    return head + [Turn(role=("user", "assistant")[n % 2], text=text) for n, text in enumerate(texts)]  # type: ignore[arg-type]


def form(wanted: str | None, directory: Path = NOWHERE, name: str = "gpt2") -> DialogueFormat:
    """Return the format of a model that has none, unless a directory says otherwise."""
    return dialogue_format(directory, name, wanted)


@pytest.fixture(scope="module")
def tokenizer(builtin: Path) -> Tokenizer:
    """Return the tokenizer of the model that ships."""
    return load_tokenizer(builtin, read_config(builtin))


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("plain", "Be kind.\n\nUser: Hi\nAssistant: Hello.\nUser: Who?\nAssistant:"),
        (None, "Be kind.\n\nUser: Hi\nAssistant: Hello.\nUser: Who?\nAssistant:"),
        ("dialogpt", "Be kind.<|endoftext|>Hi<|endoftext|>Hello.<|endoftext|>Who?<|endoftext|>"),
        ("qa", "Be kind.\n\nQuestion: Hi\nAnswer: Hello.\nQuestion: Who?\nAnswer:"),
        ("translate", "Be kind.\n\nHi = Hello.\nWho? ="),
        ("Q {q} A {completion}\n##", "Be kind.\n\nQ Hi A Hello.\n##\nQ Who? A"),
    ],
)
def test_every_format_writes_turns_down_for_the_next_answer(
    tokenizer: Tokenizer, wanted: str | None, text: str
) -> None:
    if wanted is not None:
        check_wanted(wanted)
    assert tokenizer.decode(form(wanted).tokens(says("Hi ", "\nHello.", "Who?", system="Be kind."), tokenizer)) == text


def test_an_answer_that_was_begun_goes_on(tokenizer: Tokenizer) -> None:
    turns = says("Hi", "Hello, I")
    assert tokenizer.decode(form("plain").tokens(turns, tokenizer)) == "User: Hi\nAssistant: Hello, I"
    assert tokenizer.decode(form("dialogpt").tokens(turns, tokenizer)) == "Hi<|endoftext|>Hello, I"
    assert tokenizer.decode(form("{q}: {completion}##").tokens(turns, tokenizer)) == "Hi: Hello, I"


def test_turns_of_one_side_are_one_text_and_a_conversation_may_begin_with_an_answer(tokenizer: Tokenizer) -> None:
    turns = [*says("Hi")[:1], *says("there"), Turn(role="system", text="Late."), *says("", "Yo")[1:], *says("And?")]
    text = tokenizer.decode(form("plain").tokens(turns, tokenizer))
    assert text == "Late.\n\nUser: Hi\nthere\nAssistant: Yo\nUser: And?\nAssistant:"
    begun = [Turn(role="assistant", text="Welcome."), *says("Hi")]
    assert (
        tokenizer.decode(form("plain").tokens(begun, tokenizer)) == "User: \nAssistant: Welcome.\nUser: Hi\nAssistant:"
    )
    assert tokenizer.decode(form("dialogpt").tokens(begun, tokenizer)) == "Welcome.<|endoftext|>Hi<|endoftext|>"


LINES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1).map(str.strip).filter(bool), min_size=1, max_size=5)


@pytest.mark.slow
@given(LINES, st.sampled_from(["plain", "qa", "summary", "translate", "{q}\n###\n{a}\n###"]))
def test_exchanges_tokenized_apart_give_the_tokens_of_the_whole_text(
    tokenizer: Tokenizer, texts: list[str], wanted: str
) -> None:
    if wanted.startswith("{q}"):
        wanted = "{q}\n###\n{completion}\n###"
    tokens = form(wanted).tokens(says(*texts), tokenizer)
    assert tokens == tokenizer.encode(tokenizer.decode(tokens))


def test_the_first_turn_and_its_answer_are_the_text_that_fine_tuning_learned(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    saved = PromptTemplate(template="### {ask}\n-> {reply} ###", completion_column="reply", name=None)
    (tmp_path / "template.json").write_text(json.dumps(saved.to_json()))
    own = form(None, tmp_path)
    assert own.reason == "saved with the model"
    row = {"ask": "Who?", "reply": "I"}
    assert own.tokens(says("Who?"), tokenizer) == tokenizer.encode(saved.prompt(row))
    learned = tokenizer.encode(saved.prompt(row) + saved.completion(row))
    assert own.tokens(says("Who?", "I", "Why?"), tokenizer)[: len(learned)] == learned


@pytest.mark.parametrize("texts", [["Hi"], ["Hi", " Hello. ", "Who are you? "], ["a\nb", "\u00e9\U0001f600", "c"]])
def test_dialogpt_s_format_is_what_transformers_makes_of_its_chat_template(
    builtin: Path, tokenizer: Tokenizer, texts: list[str]
) -> None:
    from transformers import GPT2TokenizerFast

    reference = GPT2TokenizerFast.from_pretrained(builtin)
    messages = [{"role": turn.role, "content": turn.text.strip()} for turn in says(*texts)]
    text = reference.apply_chat_template(messages, chat_template=DIALOGPT_TEMPLATE, tokenize=False)
    turns = says(*texts)
    tokens = form("dialogpt").tokens(turns, tokenizer)
    wanted = reference(text)["input_ids"]
    assert tokens == (wanted if turns[-1].role == "user" else wanted[:-1])


@pytest.mark.parametrize(
    ("wanted", "stop"),
    [
        ("plain", ("\nUser:", "\nAssistant:")),
        ("dialogpt", ()),
        ("qa", ("\nQuestion:", "\nAnswer:")),
        ("summary", ("\nTL;DR:",)),
        ("Q {q} A: {completion}##", ("##", "\nQ ", "\nA:")),
    ],
)
def test_an_answer_ends_where_it_would_speak_for_the_user(wanted: str, stop: tuple[str, ...]) -> None:
    assert form(wanted).stop == stop


def test_the_window_is_kept_by_dropping_the_oldest_exchanges_and_never_the_system_text(tokenizer: Tokenizer) -> None:
    plain = form("plain")
    turns = says("one", "two", "three", "four", "five", system="Be kind.")
    whole = plain.tokens(turns, tokenizer)
    fitted = fit(plain, turns, tokenizer, 1024, 50)
    assert (fitted.prompt, fitted.dropped, fitted.room) == (tuple(whole), 0, 1024 - len(whole) + 1)
    exactly = fit(plain, turns, tokenizer, len(whole) + 5 - 1, 5)
    assert (exactly.prompt, exactly.dropped, exactly.room) == (tuple(whole), 0, 5)
    less = fit(plain, turns, tokenizer, len(whole) + 5 - 2, 5)
    assert (less.prompt, less.dropped) == (tuple(plain.tokens([*turns[:1], *turns[3:]], tokenizer)), 2)
    assert less.room >= 5
    least = len(plain.tokens([turns[0], turns[-1]], tokenizer))
    assert fit(plain, turns, tokenizer, 2 * least, 10**9).dropped == 4  # an answer is promised half the window at most


def test_a_turn_that_no_window_holds_is_refused_however_long(tokenizer: Tokenizer) -> None:
    plain = form("plain")
    with pytest.raises(InputError, match=r"^has 110 tokens, and beside an answer the window holds 54: shorten it$"):
        fit(plain, says("x", "y", "a " * 100), tokenizer, 64, 11)
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"^has at least [\d,]+ tokens, and beside an answer"):
        fit(plain, says("x" * 50_000_000), tokenizer, 1024, 50)
    with pytest.raises(InputError, match=r"^cannot be answered: the system text has at least [\d,]+ tokens, and"):
        fit(plain, says("x", system="x" * 50_000_000), tokenizer, 1024, 50)
    fitted = fit(plain, says(*["some more words"] * 100_001), tokenizer, 1024, 50)
    assert fitted.dropped > 99_000
    assert time.monotonic() - begun < 10  # tokenizing it all takes minutes and gigabytes


def test_nothing_to_answer_is_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="nothing to answer"):
        fit(form("plain"), [], tokenizer, 1024, 50)


def test_half_of_a_surrogate_pair_is_an_error_of_the_turn(tokenizer: Tokenizer) -> None:
    for wanted in ("plain", "dialogpt"):
        with pytest.raises(InputError, match="surrogate"):
            fit(form(wanted), says("\ud800"), tokenizer, 1024, 50)


def test_dialogpt_s_format_needs_a_token_that_ends_a_text(builtin: Path) -> None:
    tokenizer = load_tokenizer(builtin, read_config(builtin))
    tokenizer.eos_id = None
    with pytest.raises(ModelError, match="the format dialogpt needs an end-of-text token"):
        form("dialogpt").tokens(says("Hi"), tokenizer)


@pytest.mark.parametrize(
    "template",
    [
        DIALOGPT_TEMPLATE,
        "{% for message in messages %}{{ message['content'] + eos_token }}{% endfor %}",
        '{%- for m in messages -%}\n  {{- m["content"] }}{{ eos_token }}\n{%- endfor -%}',
        [{"name": "other", "template": "{{ x }}"}, {"name": "default", "template": DIALOGPT_TEMPLATE}],
    ],
)
def test_dialogpt_is_known_by_its_chat_template_however_it_is_spelled(tmp_path: Path, template: object) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    found = form(None, tmp_path)
    assert (found.name, found.warning) == ("dialogpt", None)


def test_dialogpt_is_known_by_its_name_and_by_the_file_that_newer_transformers_write(tmp_path: Path) -> None:
    assert form(None, name="microsoft/DialoGPT-small").name == "dialogpt"
    (tmp_path / "chat_template.jinja").write_text(DIALOGPT_TEMPLATE)
    assert form(None, tmp_path).name == "dialogpt"


def test_another_chat_template_is_not_run_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    found = form(None, tmp_path)
    assert found.name == "plain"
    assert found.warning is not None
    assert "is a program, which is not run: the plain format is used; choose another with --template" in found.warning
    assert form("plain", tmp_path).warning is None


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{context}\n{question}\n{answer}", "needs context and question: the plain format is used"),
        ("Sing: {answer}", "takes no text: the plain format is used"),
    ],
)
def test_a_saved_template_that_a_conversation_cannot_fill_is_told(tmp_path: Path, template: str, told: str) -> None:
    (tmp_path / "template.json").write_text(json.dumps({"name": None, "template": template, "completion": "answer"}))
    found = form(None, tmp_path)
    assert found.name == "plain"
    assert told in (found.warning or "")


def test_a_damaged_template_is_an_error_unless_another_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "template.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        form(None, tmp_path)
    assert form("plain", tmp_path).name == "plain"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("plan", "--template plan is no format of a conversation: choose another with --template: plain, dialogpt, qa"),
        ("none", "is no format of a conversation"),
        ("{a}{b}", "has the fields a and b: in a conversation there is one"),
        ("{completion}", "has no field"),
        ("{q", "lone {"),
    ],
)
def test_a_format_that_is_none_is_told_before_a_model_is_opened(wanted: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_wanted(wanted)
    assert told in str(caught.value)
