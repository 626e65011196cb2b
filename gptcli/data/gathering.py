"""Gather the rows of all sources into columns: one text a row, hashed once, its label kept as a code."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, repeat
from typing import BinaryIO

from gptcli.data.contents import expand_paths
from gptcli.data.labels import LabelColumn
from gptcli.data.named_templates import default_template, resolve_template
from gptcli.data.options import DataOptions
from gptcli.data.roles import Roles, choose_roles, with_ignored
from gptcli.data.shaping import complaint, keys_of, shape_of
from gptcli.data.sources import SAMPLE_ROWS, Source, SourceRow, columns_of, open_source
from gptcli.data.splits import row_hasher
from gptcli.data.templates import PromptTemplate
from gptcli.errors import ConfigError, InputError

MOST_COMPLAINTS = 20


@dataclass(slots=True, kw_only=True)
class RowColumns:
    """Rows as columns, since a million objects would cost more than their texts."""

    texts: list[str] = field(default_factory=list)
    completions: list[str | None] = field(default_factory=list)
    codes: "array[int]" = field(default_factory=lambda: array("l"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    sources: "array[int]" = field(default_factory=lambda: array("l"))
    hashes: bytearray = field(default_factory=bytearray)
    """Of the texts: rows that share one stay together."""
    pair_hashes: bytearray = field(default_factory=bytearray)
    """Of prompt and completion, where rows have completions."""
    unfinished: set[int] = field(default_factory=set)
    """Rows whose document goes on in the row behind them."""


class Gatherer:
    """Reads sources one after the other; the first of them decides what is learned from which columns."""

    def __init__(self, options: DataOptions, stdin: BinaryIO) -> None:
        self._options = options
        self._stdin = stdin
        self.roles: Roles | None = None
        self.template: PromptTemplate | None = None
        self.labels = LabelColumn(regression=options.regression, separator=options.label_separator)
        self.sources: list[str] = []
        self.text_only = True
        """Whether all sources were plain text."""
        self._has_text = False
        self.rows_read = 0
        self.unreadable = 0
        self.empty = 0
        self.complaints: list[str] = []
        """Why the first unreadable rows are so, each with its place."""

    def gather(self, paths: Sequence[str], into: RowColumns) -> Iterator[str]:
        """Read all rows of files and directories, and yield what is to be told; raise InputError, ConfigError."""
        for path in expand_paths(paths):
            with open_source(path, self._stdin, lines=self._options.lines) as source:
                yield from source.notices
                self._gather(source, into)
        if self._options.lines and not self._has_text:
            raise ConfigError(f"--lines parts plain text: it does not go with the rows of {', '.join(self.sources)}")

    def _gather(self, source: Source, into: RowColumns) -> None:
        self.sources.append(source.name)
        self.text_only &= source.text
        self._has_text |= source.text
        before = self.rows_read
        rows: Iterable[SourceRow] = source.rows
        try:
            if self.roles is None:
                start = list(islice(source.rows, SAMPLE_ROWS))
                rows = chain(start, source.rows)
                self.roles = self._choose(source, start)
            self._read(rows, source.columns, self.roles, into)
        except InputError as error:
            told = str(error)
            raise InputError(told if told.startswith(source.name) else f"{source.name}: {told}") from error
        if self.rows_read == before:
            raise InputError(f"{source.name} is empty")

    def _choose(self, source: Source, start: Sequence[SourceRow]) -> Roles:
        """Return the roles, and set the template, that the first rows lead to."""
        columns, sample = columns_of(source, start)
        wanted = self._options.wanted
        if wanted.task == "auto" and (self._options.regression or self._options.label_separator is not None):
            wanted = replace(wanted, task="classify")
        if self._options.template is None:
            roles = choose_roles(columns, sample, wanted)
            if source.text:
                return replace(roles, reason=f"{roles.task}: {source.name} is plain text")
            self.template = default_template(roles) if roles.task == "complete" else None
            return roles
        self.template = resolve_template(self._options.template, columns, wanted)
        prompts, completion = self.template.fields, self.template.completion_column
        told = f"the template takes {' and '.join(prompts)} for the prompt and {completion} for its completion"
        reason = f"complete: {told}"
        return with_ignored(Roles(task="complete", prompts=prompts, completion=completion, reason=reason), columns)

    def _read(self, rows: Iterable[SourceRow], header: Sequence[str] | None, roles: Roles, into: RowColumns) -> None:
        """Read all rows of one source: what a million rows cost, they cost here."""
        keys = keys_of(header, roles)
        shape = shape_of(keys, roles, self.labels, self.template)
        row_hash = row_hasher()
        hashes, pair_hashes, held, count = into.hashes, into.pair_hashes, len(into.texts), 0
        add_text, add_completion = into.texts.append, into.completions.append
        add_code, add_line = into.codes.append, into.lines.append
        for line, values, error in rows:
            count += 1
            if error is None:
                try:
                    text, completion, code = shape(values)
                    content = text.encode()
                    completed = b"" if completion is None else completion.encode()
                except (InputError, KeyError, UnicodeEncodeError) as failure:
                    error = complaint(failure, values, keys)
            if error is not None:
                self._complain(line, error)
            elif not text or text.isspace():
                self.empty += 1
            else:
                hashes += row_hash(content)
                if completed:
                    pair_hashes += row_hash(b"%b\0%b" % (content, completed))
                add_text(text)
                add_completion(completion)
                add_code(code)
                add_line(line)
        self.rows_read += count
        into.sources.extend(repeat(len(self.sources) - 1, len(into.texts) - held))

    def _complain(self, line: int, error: str) -> None:
        self.unreadable += 1
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(f"{self.sources[-1]}:{line}: {error}")
