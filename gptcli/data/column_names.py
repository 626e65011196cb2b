"""What columns are usually called: names that tell a column's part in a data set, in any case."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

TEXT: tuple[str, ...] = (
    "text",
    "sentence",
    "review",
    "content",
    "message",
    "body",
    "tweet",
    "comment",
    "document",
    "article",
    "story",
)
TEXT += ("sms", "post", "paragraph", "review_text", "review_body", "texts", "sentences", "utterance")

LABEL: tuple[str, ...] = ("label", "labels", "class", "category", "sentiment", "classification", "categories")

PERHAPS_LABEL: tuple[str, ...] = (
    "target",
    "intent",
    "topic",
    "tag",
    "tags",
    "stars",
    "rating",
    "score",
    "polarity",
    "emotion",
)
PERHAPS_LABEL += ("genre", "y", "spam", "is_spam", "type", "kind", "grade")
"""A label only where the column holds few, repeated, short values."""

METADATA: tuple[str, ...] = (
    "id",
    "ids",
    "index",
    "idx",
    "ind",
    "uid",
    "uuid",
    "guid",
    "unnamed: 0",
    "row",
    "line",
    "number",
    "no",
)
METADATA += (
    "title",
    "author",
    "authors",
    "illustrator",
    "translator",
    "publisher",
    "licence",
    "license",
    "attribution",
)
METADATA += ("url", "link", "date", "time", "timestamp", "year", "created_at", "split", "fold", "source_id", "book")
METADATA += (
    "module",
    "chapter",
    "section",
    "page",
    "language",
    "lang",
    "file",
    "filename",
    "path",
    "user_id",
    "username",
)
METADATA += ("meta", "metadata", "category_id", "source", "dataset", "length", "words", "tokens", "label_text")
"""Says something about a row and is not learned from."""

SYNONYMS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "context": ("context", "passage", "paragraph", "background"),
        "question": ("question", "query"),
        "answer": ("answer", "answers", "answer_text"),
        "article": ("article", "document", "dialogue", "dialog", "text", "story", "content"),
        "summary": ("summary", "highlights", "abstract", "tldr"),
        "instruction": ("instruction", "instructions"),
        "input": ("input", "inputs", "context"),
        "output": ("output", "outputs", "response", "completion", "answer"),
        "description": ("description", "docstring", "problem", "task", "prompt", "instruction"),
        "code": ("code", "solution", "program", "function", "completion", "output"),
        "user": ("user", "human", "question", "prompt", "instruction", "input"),
        "assistant": ("assistant", "bot", "gpt", "reply", "response", "answer", "completion", "output"),
        "source": ("source", "src", "source_text", "input"),
        "target": ("target", "tgt", "target_text", "translation", "output"),
        "prompt": ("prompt", "prompts", "input", "inputs", "query"),
        "completion": ("completion", "completions", "response", "output", "outputs", "reply", "target"),
    }
)
"""Names of a template's fields, the likeliest first."""

KNOWN = frozenset({*TEXT, *LABEL, *PERHAPS_LABEL, *METADATA, *(name for names in SYNONYMS.values() for name in names)})
"""Every name above: a line that holds one is a header."""


def find(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column with the likeliest of these names, in any case."""
    folded = {column.strip().casefold(): column for column in reversed(columns)}
    return next((folded[name] for name in names if name in folded), None)


def named(columns: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return all columns with one of these names, in their own order."""
    return tuple(column for column in columns if column.strip().casefold() in names)
