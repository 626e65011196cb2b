"""Templates that ask a language model for a label."""

import pytest

from gptcli.data.label_template import LabelTemplate
from gptcli.errors import ConfigError


@pytest.mark.parametrize(
    ("template", "prompt", "answer"),
    [
        ("Review: {text}\nSentiment: {label}", "Review: so so\nSentiment:", " good"),
        ("{text}\n\n{label}", "so so", "\n\ngood"),
        ("{text}:{label}", "so so:", "good"),
        ("{text} It was a {label} film.", "so so It was a", " good film."),
        ("{{{text}}} {label}", "{so so}", " good"),
    ],
)
def test_prompt_and_label_joined_are_the_template_as_it_is_written(template: str, prompt: str, answer: str) -> None:
    made = LabelTemplate(template=template)
    assert (made.prompt("so so"), made.answer("good")) == (prompt, answer)
    assert prompt + answer == template.format(text="so so", label="good")


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("Sentiment: {label}", "--template has no {text}: write {text} where the text goes, and {label} behind it"),
        ("Review: {text}", "--template has no {label}"),
        ("{text} {text} {label}", "--template has more than one {text}"),
        ("{text} {label} {label}", "--template has more than one {label}"),
        ("{label}: {text}", "--template must have {label} behind {text}"),
        ("{title} {text} {label}", "--template has the field {title}: with --labels it has {text} and {label} only"),
        ("{text} {label", "--template has a lone {"),
        ("{text} {} {label}", "--template has {} without a column"),
        ("", "--template has no {text}"),
    ],
)
def test_a_template_that_cannot_ask_for_a_label_is_refused(template: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        LabelTemplate(template=template)
    assert str(error.value).startswith(told)
