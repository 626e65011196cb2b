"""Labels in words with tiny models: what is asked, what comes of it, and what it does not depend on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from gptcli.errors import ConfigError, InputError
from gptcli.tasks.events import RowFailed
from gptcli.tasks.labelling.labeller import Labelled
from gptcli.tasks.labelling.options import LabelText, labels_of
from tests.classifiers import save_random_classifier
from tests.conftest import save_random_gpt2
from tests.tasks.labelling.words import (
    LABELS,
    opened,
    probabilities,
    reference_logprobs,
    reference_scores,
    rows_of,
    said,
    tokenizer_of,
)

NAMES = [label.name for label in LABELS]
TEXTS = ("a film", "what a film", "x", "I hate it")
FREE = ("N/A", "", "[MASK]")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny model with a context of 160."""
    return save_random_gpt2(tmp_path_factory.mktemp("wide"), n_positions=160)


def test_probabilities_are_those_of_whole_labels_by_transformers(tiny: Path, backend_name: str) -> None:
    found = probabilities(opened(tiny, calibrate=False, backend=backend_name), *TEXTS)
    expected = np.stack([reference_scores(tiny, text, NAMES) for text in TEXTS])
    assert np.log(found) == pytest.approx(expected - np.log(np.exp(expected).sum(1, keepdims=True)), abs=1e-4)


def test_by_mean_they_are_those_of_a_labels_mean_token(tiny: Path) -> None:
    means = [[reference_logprobs(tiny, f"{text} is", f" {name}").mean() for name in NAMES] for text in TEXTS]
    found = probabilities(opened(tiny, scoring="mean", calibrate=False), *TEXTS)
    assert found == pytest.approx(softmax(means, axis=1), abs=1e-4)


def test_by_pmi_they_are_measured_against_the_template_without_a_text(tiny: Path) -> None:
    scores = np.stack([reference_scores(tiny, text, NAMES) for text in TEXTS]) - reference_scores(tiny, "", NAMES)
    assert probabilities(opened(tiny, scoring="pmi"), *TEXTS) == pytest.approx(softmax(scores, axis=1), abs=1e-4)


def test_calibration_divides_by_the_mean_of_inputs_that_say_nothing(tiny: Path) -> None:
    prior = np.mean([softmax(reference_scores(tiny, text, NAMES)) for text in FREE], axis=0)
    plain = softmax([reference_scores(tiny, text, NAMES) for text in TEXTS], axis=1)
    labeller = opened(tiny)
    expected = plain / prior / (plain / prior).sum(1, keepdims=True)
    assert probabilities(labeller, *TEXTS) == pytest.approx(expected, abs=1e-4)
    shares = ", ".join(f"{name} {share:.4f}" for name, share in zip(NAMES, prior, strict=True))
    assert labeller.details[-1] == f"calibration: behind 'N/A', '', '[MASK]' the labels have {shares}; divided out"


def test_the_option_mass_is_what_the_first_tokens_hold_each_counted_once(tiny: Path) -> None:
    labels = labels_of("bad,better,good")  # a byte is a token: two of three begin alike, with a space in front
    template = "{text}:{label}"
    (found,) = said(opened(tiny, labels=labels, template=template), "x")
    first = [np.exp(reference_logprobs(tiny, "x:", letter)[0]) for letter in "bg"]
    assert found.option_mass == pytest.approx(sum(first), rel=1e-4)


def test_a_batch_of_64_says_what_a_batch_of_1_says(tiny: Path) -> None:
    texts = [text[:length] for text in TEXTS for length in range(1, 9)]
    alone, together = (probabilities(opened(tiny, batch_size=size), *texts) for size in (1, 64))
    assert together == pytest.approx(alone, abs=1e-5)


def test_the_order_of_the_labels_does_not_matter(tiny: Path) -> None:
    forward = probabilities(opened(tiny), *TEXTS)
    backward = probabilities(opened(tiny, labels=LABELS[::-1]), *TEXTS)
    assert backward[:, ::-1] == pytest.approx(forward, abs=1e-6)


def test_a_description_stands_in_the_prompt_and_the_name_in_the_answer(tiny: Path) -> None:
    described = tuple(LabelText(name=f"label {number}", text=label.text) for number, label in enumerate(LABELS))
    labeller = opened(tiny, labels=described)
    assert labeller.labels.names == ("label 0", "label 1", "label 2")
    assert probabilities(labeller, *TEXTS) == pytest.approx(probabilities(opened(tiny), *TEXTS))


def test_what_stands_behind_the_label_is_scored_with_it(tiny: Path) -> None:
    found = probabilities(opened(tiny, template="{text} is {label}!", calibrate=False), "x")
    expected = softmax([reference_scores(tiny, "x", [f"{name}!" for name in NAMES])], axis=1)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_label_that_grows_together_with_the_prompt_is_scored_from_where_the_tokens_part(builtin: Path) -> None:
    """Behind "bo", "ok" and "th" are the tokens of book and both, which GPT-2 would never read as bo and ok."""
    tokenizer = tokenizer_of(builtin)
    prompt, joined = " the bo", [" the book", " the both"]
    before, after = tokenizer.encode(prompt), [tokenizer.encode(text) for text in joined]
    assert all(ids[: len(before)] != before for ids in after)
    shared = min(next(n for n, (a, b) in enumerate(zip(before, ids, strict=False)) if a != b) for ids in after)
    scores = []
    for ids in after:
        context = tokenizer.decode(ids[:shared])
        scores.append(reference_logprobs(builtin, context, tokenizer.decode(ids[shared:])).sum())
    labeller = opened(builtin, labels=labels_of("ok,th"), template=" the {text}{label}", calibrate=False)
    assert probabilities(labeller, "bo")[0] == pytest.approx(softmax(scores), abs=1e-4)


def test_an_empty_text_is_labelled_by_the_template_alone_and_told(tiny: Path) -> None:
    labeller = opened(tiny, calibrate=False)
    found = probabilities(labeller, "", "x", "", "  ")
    assert found[0] == pytest.approx(softmax(reference_scores(tiny, "", NAMES)), abs=1e-4)
    assert [notice.text for notice in labeller.notices()] == [
        "empty texts, labelled by the template alone: 2 (first: in:1)",
        "texts of white space only, labelled as they are: 1 (first: in:4)",
    ]


def test_where_nothing_stands_before_the_label_the_beginning_of_text_token_does(tiny: Path, tmp_path: Path) -> None:
    found = probabilities(opened(tiny, template="{text}{label}", calibrate=False), "")
    expected = [reference_logprobs(tiny, "<|endoftext|>", name).sum() for name in NAMES]
    assert found[0] == pytest.approx(softmax(expected), abs=1e-4)
    bare = save_random_gpt2(tmp_path, bos_token_id=None, eos_token_id=None)
    results = list(opened(bare, template="{text}{label}", calibrate=False).labelled(rows_of("", "x")))
    assert isinstance(results[0], RowFailed)
    assert results[0].message == "leaves nothing before the label, and this model has no beginning-of-text token"
    assert isinstance(results[1], Labelled)


LONG = "".join(chr(0x21 + position * 7 % 90) for position in range(130))


@pytest.mark.parametrize("long", ["head", "tail", "mean", "max"])
def test_of_a_text_that_has_no_room_the_text_is_cut_and_never_the_template_or_a_label(tiny: Path, long: Any) -> None:
    room = 48 - len(" is so so")
    parts = {"head": [LONG[:room]], "tail": [LONG[-room:]]}.get(long)
    parts = parts or [*(LONG[begin : begin + room] for begin in range(0, len(LONG) - room, room)), LONG[-room:]]
    windows = np.stack([softmax(reference_scores(tiny, part, NAMES)) for part in parts])
    expected = windows[windows.max(1).argmax()] if long == "max" else windows.mean(0)
    labeller = opened(tiny, long=long, calibrate=False)
    (found,) = said(labeller, LONG)
    assert found.probabilities == pytest.approx(expected, abs=1e-4)
    assert found.tokens == len(parts) * (room + len(" is"))
    (told,) = (notice.text for notice in labeller.notices())
    assert told.startswith(f"texts longer than the {room} tokens that the prompt leaves of the context of 48")
    assert told.endswith(": 1 (first: in:1)")


def test_rows_that_have_failed_come_back_in_their_places(tiny: Path) -> None:
    first, bad, last = rows_of("x", "", "y")
    failed = RowFailed(index=1, record=bad.record, message="is torn")
    found = list(opened(tiny).labelled([first, failed, last]))
    assert [item if isinstance(item, RowFailed) else item.row.index for item in found] == [0, failed, 2]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"labels": labels_of("a,\u20ac")}, "the label \u20ac has no tokens in this model"),
        ({"labels": labels_of("a,\u20aca")}, "the labels a and \u20aca are the same tokens"),
        ({"template": "a long template " * 2 + "{text} {label}"}, "template and labels leave 11 tokens of the context"),
    ],
)
def test_labels_that_the_model_cannot_tell_apart_are_refused(tiny: Path, options: dict[str, Any], told: str) -> None:
    """The tokenizer of this model knows no byte beyond ASCII."""
    with pytest.raises(ConfigError, match=told):
        opened(tiny, **options)


def test_a_model_with_labels_of_its_own_is_refused(tmp_path: Path) -> None:
    directory = save_random_classifier(tmp_path, "bad", "good")
    with pytest.raises(ConfigError, match=r"--labels cannot apply: .* was tuned to tell bad, good: leave --labels out"):
        opened(directory, labels=labels_of("good,bad"))
    with pytest.raises(ConfigError, match=r"was tuned to tell bad, good, and not bad, fine: leave --labels out"):
        opened(directory, labels=labels_of("bad,fine"))


def shots(directory: Path, *pairs: tuple[str, str]) -> str:
    """Write a file of examples."""
    path = directory / "shots.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in pairs))
    return str(path)


EXAMPLES = (("a dog", "bad"), ("a cat", "good"), ("cow", "so so"), ("hen", "good"))


def filled(*pairs: tuple[str, str]) -> str:
    """Return the examples as they are read; this model's tokenizer drops line ends."""
    return "".join(f"{text} is {label}" for text, label in pairs)


def read_by(labeller: Any) -> list[tuple[str, str]]:
    """Return the examples in the order in which they are read."""
    return [(shot.text, shot.label) for shot in labeller._prompts.shots]


def test_examples_are_read_before_the_text_as_if_all_were_one_text(wide: Path, tmp_path: Path) -> None:
    labeller = opened(wide, examples=shots(tmp_path, *EXAMPLES), calibrate=False)
    read = read_by(labeller)
    assert sorted(read) == sorted(EXAMPLES)
    before = filled(*read)
    expected = [softmax(reference_scores(wide, text, NAMES, before)) for text in TEXTS]
    assert probabilities(labeller, *TEXTS) == pytest.approx(np.stack(expected), abs=1e-4)
    assert said(labeller, "x")[0].tokens == len("x is")


def test_a_row_never_sees_itself_as_an_example(wide: Path, tmp_path: Path) -> None:
    labeller = opened(wide, examples=shots(tmp_path, *EXAMPLES), calibrate=False)
    texts = ("x", " a cat ", "hen", "a cat")
    found = probabilities(labeller, *texts)
    for text, probability in zip(texts, found, strict=True):
        before = filled(*(pair for pair in read_by(labeller) if pair[0] != text.strip()))
        assert probability == pytest.approx(softmax(reference_scores(wide, text, NAMES, before)), abs=1e-4)
    assert [notice.text for notice in labeller.notices()] == [
        "texts that are an example themselves, labelled without it: 3 (first: in:2)"
    ]


def test_calibration_is_behind_the_examples(wide: Path, tmp_path: Path) -> None:
    labeller = opened(wide, examples=shots(tmp_path, *EXAMPLES))
    before = filled(*read_by(labeller))
    prior = np.mean([softmax(reference_scores(wide, text, NAMES, before)) for text in FREE], axis=0)
    plain = softmax(reference_scores(wide, "x", NAMES, before)) / prior
    assert probabilities(labeller, "x")[0] == pytest.approx(plain / plain.sum(), abs=1e-4)


def test_as_many_examples_are_read_as_leave_a_text_its_room_and_fewer_than_asked_for_is_told(
    wide: Path, tmp_path: Path
) -> None:
    path = shots(tmp_path, *((f"text {number}", ("bad", "good")[number % 2]) for number in range(40)))
    few = opened(wide, examples=path, shots=4)
    assert [label for _, label in read_by(few)].count("good") == 2
    assert list(few.notices()) == []
    many = opened(wide, examples=path, shots=30)
    count = len(read_by(many))
    assert 4 < count < 30
    assert [notice.text for notice in many.notices()] == [f"--shots 30: {path} gives {count} that fit beside a text"]
    assert read_by(opened(wide, examples=path)) == read_by(many)
    assert len(probabilities(many, LONG)) == 1


def test_the_seed_settles_the_examples_and_labels_in_another_order_do_not(wide: Path, tmp_path: Path) -> None:
    path = shots(tmp_path, *((f"text {number}", ("bad", "good")[number % 2]) for number in range(40)))
    read = [read_by(opened(wide, examples=path, shots=4, seed=seed)) for seed in (0, 0, 1)]
    assert read[0] == read[1] != read[2]
    assert read_by(opened(wide, examples=path, shots=4, labels=LABELS[::-1])) == read[0]


def test_a_file_whose_examples_have_no_room_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no example fits the [0-9]+ tokens of the context that examples may take"):
        opened(tiny, examples=shots(tmp_path, ("x" * 90, "bad")))
