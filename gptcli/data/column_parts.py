"""Find the columns that could be a data set's text, label, prompt and completion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gptcli.data.column_kinds import holds_decimals, is_label_like, kind_of_column
from gptcli.data.column_names import LABEL, METADATA, PERHAPS_LABEL, SYNONYMS, TEXT, find, named
from gptcli.errors import InputError

Sample = Sequence[Mapping[str, object]]
Pair = tuple[tuple[str, ...], str]
"""The columns of a prompt, and the completion's."""

_PAIRS: tuple[tuple[str, str, str], ...] = (
    ("question", "context", "answer"),
    ("instruction", "input", "output"),
    ("article", "", "summary"),
    ("source", "", "target"),
    ("description", "", "code"),
    ("user", "", "assistant"),
    ("prompt", "", "completion"),
)
"""Fields of a prompt, one that may stand with it, and its completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the columns are wanted for, in words."""

    verb: str
    text_task: str
    """The --task of a text alone."""
    numbers: tuple[str, ...] = ()
    """The options beside --label-column that have numbers predicted."""


LEARNING = Purpose(verb="learn", text_task="lm", numbers=("--regression",))


class ColumnParts:
    """The columns of a data set and a sample of its rows."""

    def __init__(self, names: Sequence[str], sample: Sample, purpose: Purpose, *, task: str) -> None:
        """Take a data set; the task is the one that was asked for: lm, classify, complete or auto."""
        self.names = names
        self._sample = sample
        self._purpose = purpose
        self._task = task

    def text(self, *, without: str | None = None) -> str | None:
        """Return the column with a text's name: text itself, or the only one; raises InputError for several."""
        names = [name for name in self.names if name != without]
        return self._one(named(names, TEXT[:1]) or named(names, TEXT), "the text")

    def label(self, *, without: str | None = None, strictly: bool = True) -> str | None:
        """Return the column with a label's name; strictly, one that may mean more must hold labels, too."""
        names = [name for name in self.names if name != without]
        perhaps = named(names, PERHAPS_LABEL)
        likely = tuple(name for name in perhaps if not strictly or self.holds_labels(name))
        return self._one(named(names, LABEL[:1]) or named(names, LABEL) or likely, "the label")

    def pairs(self) -> list[Pair]:
        """Return the prompts and completions that the names tell, without those that stand inside another."""
        found: list[Pair] = []
        for prompt, also, completion in _PAIRS:
            first = find(self.names, SYNONYMS[prompt])
            last = find([name for name in self.names if name != first], SYNONYMS[completion])
            if first is None or last is None:
                continue
            rest = [name for name in self.names if name not in (first, last)]
            second = find(rest, SYNONYMS[also]) if also else None
            # A context is read before its question, an instruction before its input.
            both = (second, first) if also == "context" else (first, second)
            prompts = tuple(name for name in both if name is not None)
            inside = any(last == known and set(prompts) <= set(others) for others, known in found)
            if not inside and not (named([last], PERHAPS_LABEL) and self.holds_labels(last)):
                found.append((prompts, last))
        return found

    def unknown(self) -> list[str]:
        """Return the columns whose names say nothing and whose values differ."""
        known = named(self.names, METADATA)
        return [name for name in self.names if name not in known and len(set(map(str, self._values(name)))) > 1]

    def holds_labels(self, name: str) -> bool:
        """Return whether a column has few, repeated, short values."""
        return is_label_like(self._values(name))

    def holds_text(self, name: str) -> bool:
        """Return whether a column has mostly different values of several words."""
        return kind_of_column(self._values(name)) == "text"

    def holds_decimals(self, name: str) -> bool:
        """Return whether a column has numbers that are not all whole."""
        return holds_decimals(self._values(name))

    def predicting(self, name: str) -> str:
        """Return the options that have a column of numbers predicted."""
        return " ".join(("--label-column", name, *self._purpose.numbers))

    def only_text(self, names: Sequence[str]) -> str | None:
        """Return the only one of the columns that holds text, or the only column."""
        if len(names) == 1:
            return names[0]
        texts = [name for name in names if self.holds_text(name)]
        return texts[0] if len(texts) == 1 else None

    def doubt(self, why: str) -> InputError:
        """Return the error that lists the columns and the options that end the doubt."""
        match self._task:
            case "lm":
                options = "--text-column"
            case "classify":
                options = "--text-column and --label-column"
            case "complete":
                options = "--prompt-column and --completion-column"
            case _:
                options = (
                    f"--text-column (and --label-column to classify, or --task {self._purpose.text_task}), or "
                    "--prompt-column and --completion-column"
                )
        columns = ", ".join(self.names)
        return InputError(f"what to {self._purpose.verb} is in doubt, {why}: the columns are {columns}; set {options}")

    def _one(self, candidates: Sequence[str], what: str) -> str | None:
        if len(candidates) > 1:
            raise self.doubt(f"{' or '.join(candidates)} could be {what}")
        return candidates[0] if candidates else None

    def _values(self, name: str) -> list[object]:
        return [row.get(name) for row in self._sample]
