"""Name the conventions by which others measure perplexity: each settles everything that moves the number.

hf-docs: the page "Perplexity of fixed-length models" of the documentation of Transformers.
gpt2-paper: "Language Models are Unsupervised Multitask Learners", table 3; it does not state its stride.
lm-eval: loglikelihood_rolling and the task wikitext of lm-evaluation-harness.
llama.cpp: its program llama-perplexity, without --ppl-stride.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from gptcli.errors import ConfigError

if TYPE_CHECKING:
    from gptcli.evaluation.perplexity import WordCount

ProtocolName = Literal["hf-docs", "gpt2-paper", "lm-eval", "llama.cpp"]
Texts = Literal["documents", "lines", "pages", "files"]
"""What is scored by itself.

documents: each row, or each document of a plain text.
lines: all lines of a file, or rows of a table, joined with a blank line between, as rows of datasets are.
pages: each page of WikiText's file, or each row of a table.
files: each file as it is.
"""
Windows = Literal["sliding", "documentation", "chunks"]
"""Which function of evaluation/windows.py cuts."""
Setting = Literal["context", "stride", "bos", "separator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How a text becomes numbers."""

    texts: Texts = "documents"
    windows: Windows = "sliding"
    context: int | None = None
    """Most tokens that are read for one; None is the model's context."""
    strides: int = 2
    """The stride that is taken where none is given is the context divided by this."""
    bos: bool | None = None
    """Whether a beginning-of-text token stands in front; None where the model has one."""
    detokenized: bool = False
    """Whether WikiText's tokenization is undone before a text is read; words and bytes are counted before that."""
    drops_last_line_end: bool = False
    words: "WordCount" = "whitespace"
    headline: Literal["bits_per_byte", "token_perplexity", "word_perplexity"] = "bits_per_byte"
    free: frozenset[Setting] = frozenset()
    """What an option may settle otherwise."""


OURS = Convention(free=frozenset({"context", "stride", "bos", "separator"}))
"""Each document by itself, every token scored once, after half of the context at least where there is so much."""

PROTOCOLS: Mapping[ProtocolName, Convention] = MappingProxyType(
    {
        "hf-docs": Convention(
            texts="lines",
            windows="documentation",
            strides=1,
            bos=False,
            headline="token_perplexity",
            free=frozenset({"context", "stride"}),
        ),
        "gpt2-paper": Convention(
            texts="files",
            bos=True,
            detokenized=True,
            words="wikitext",
            headline="word_perplexity",
            free=frozenset({"context", "stride"}),
        ),
        "lm-eval": Convention(
            texts="pages",
            strides=1,
            bos=True,
            detokenized=True,
            words="lm-eval",
            headline="word_perplexity",
            free=frozenset({"context"}),
        ),
        # The vocabulary of GPT-2 has add_bos false there, unless a converted file says otherwise.
        "llama.cpp": Convention(
            texts="files",
            windows="chunks",
            context=512,
            bos=False,
            drops_last_line_end=True,
            headline="token_perplexity",
            free=frozenset({"context"}),
        ),
    }
)


def convention_of(protocol: str | None) -> Convention:
    """Return a protocol's convention, ours for None; raises ConfigError for a name that is none."""
    if protocol is None:
        return OURS
    for name, convention in PROTOCOLS.items():
        if name == protocol:
            return convention
    raise ConfigError(f"--protocol of perplexity must be {', '.join(PROTOCOLS)}, not {protocol!r}")
