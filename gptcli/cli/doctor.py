"""Show the data doctor's report as plain text, in as many columns as there are."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptcli.cli.console import one_line
from gptcli.cli.units import size, width
from gptcli.data.words import counted

if TYPE_CHECKING:
    from gptcli.training.doctor import CostReport, DataReport
    from gptcli.training.footprint import Footprint
    from gptcli.training.row_lengths import BatchReport, LengthReport, OverflowReport

LEAST_WIDTH = 40
NAMES_WIDTH = 12
MOST_LABELS = 20
"""Labels that are shown; the rest is counted."""
BAR_WIDTH = 40
EIGHTHS = " ▏▎▍▌▋▊▉"


def render(report: "DataReport", *, width: int = 80, unicode: bool = True) -> str:
    """Return the report; unicode says whether block characters can be shown."""
    page = _Page(max(width, LEAST_WIDTH), unicode)
    page.entry("data", ", ".join(report.files))
    page.entry("task", report.reason)
    page.entry("rows", f"{report.train:,} to train on, {report.validation:,} to validate with")
    page.entry("left out", f"{report.unreadable:,} unreadable, {report.empty:,} empty, of {report.rows_read:,} read")
    page.entry("repeated", f"{report.duplicates:,} in training, {report.leaked:,} of validation in training too")
    _labels(page, report)
    _lengths(page, report.lengths, report.train)
    _overflow(page, report.overflow, report.lengths.tokens)
    if report.batches is not None and report.cost is not None:
        _batches(page, report.batches)
        _cost(page, report.cost, report.batches)
    for finding in report.findings:
        page.entry("look at", finding)
    return page.text()


class _Page:
    """Lines of a name and a value, which is wrapped beside it."""

    def __init__(self, width: int, unicode: bool) -> None:
        self._room = width - NAMES_WIDTH
        self._unicode = unicode
        self._lines: list[str] = []

    def entry(self, name: str, value: str) -> None:
        """Add a named value."""
        for line in textwrap.wrap(one_line(value), self._room, break_on_hyphens=False) or [""]:
            self._lines.append(f"{name:{NAMES_WIDTH}}{line}".rstrip())
            name = ""

    def bars(self, name: str, counted: Sequence[tuple[str, int, str]]) -> None:
        """Add a line with a bar for each label, count and remark."""
        labels = [_fit(one_line(label), self._room // 2) for label, _, _ in counted]
        label_width = max(map(width, labels))
        counts = [f"{count:,}" for _, count, _ in counted]
        count_width = max(map(len, counts))
        remark_width = max(len(remark) for _, _, remark in counted)
        # Between the parts stand two spaces, one and one.
        room = min(BAR_WIDTH, self._room - label_width - count_width - remark_width - 4)
        most = max(count for _, count, _ in counted) or 1
        for label, count, (_, number, remark) in zip(labels, counts, counted, strict=True):
            padded = label + " " * (label_width - width(label))
            bar = self._bar(number / most, room) if room > 0 else ""
            line = f"{name:{NAMES_WIDTH}}{padded}  {count:>{count_width}} {remark:>{remark_width}} {bar}"
            self._lines.append(line.rstrip())
            name = ""

    def text(self) -> str:
        """Return the page."""
        return "\n".join(self._lines) + "\n"

    def _bar(self, share: float, room: int) -> str:
        if not self._unicode:
            return "#" * max(round(share * room), int(share > 0))
        eighths = max(round(share * room * 8), int(share > 0))
        return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _labels(page: _Page, report: "DataReport") -> None:
    if report.targets is not None:
        least, mean, greatest = report.targets
        page.entry("targets", f"{least:g} to {greatest:g}, {mean:g} on average")
    if report.labels:
        shown = report.labels[:MOST_LABELS]
        page.bars("labels", [(label.name, label.train, f"{label.train / report.train:.1%}") for label in shown])
    rest = [label.train for label in report.labels[MOST_LABELS:]]
    if rest:
        page.entry("", f"and {len(rest):,} labels more, of {min(rest):,} to {max(rest):,} rows")


def _lengths(page: _Page, lengths: "LengthReport", rows: int) -> None:
    points = [*(f"p{share} {tokens:,}" for share, tokens in lengths.percentiles), f"max {lengths.longest:,}"]
    sampled = f" (from {lengths.measured:,} of the rows)" if lengths.measured < rows else ""
    page.entry("tokens", f"{lengths.tokens:,} to train on{sampled}; in a row {', '.join(points)}")
    bins = lengths.histogram
    page.bars("", [(f"{low:,}-{high:,}" if low < high else f"{low:,}", count, "") for low, high, count in bins])


def _overflow(page: _Page, overflow: "OverflowReport", tokens: int) -> None:
    cut = overflow.cut
    lost = f"{cut.told(cut.tokens)} tokens lost ({cut.tokens / tokens:.1%})"
    does = {
        "truncate": f"cut, {lost}",
        "drop": f"dropped, {lost}",
        "split": "split, nothing lost",
        "error": "not allowed",
    }[overflow.overflow]
    none = "none of those rows is longer" if cut.estimated else "no row is longer"
    longer = f"longer rows: {cut.told(cut.rows)}, {does}" if cut.rows else none
    page.entry("max length", f"{overflow.max_length:,} tokens; {longer}")


def _batches(page: _Page, batches: "BatchReport") -> None:
    rows = f", each of {batches.rows_per_sequence:.1f} rows, {batches.filled:.0%} full" if batches.packing else ""
    each = f"{',' if rows else ''} in each of {batches.processes:,} processes" if batches.processes > 1 else ""
    page.entry("batches", f"{counted(batches.batch_size, 'sequence')}{rows}{each}; {batches.largest:,} tokens at most")
    page.entry(
        "padding",
        f"none but {batches.padding:.0%} in attention; random rows, padded to the longest of their batch,"
        f" would be {batches.padding_of_random:.0%} padding",
    )


def _cost(page: _Page, cost: "CostReport", batches: "BatchReport") -> None:
    page.entry(
        "steps", f"{cost.steps:,}; an epoch has {batches.steps:,} of {batches.tokens / batches.steps:,.0f} tokens"
    )
    page.entry("time", f"about {_duration(cost.seconds)}, evaluations not counted")
    several = f" in each process, {size(batches.processes * cost.peak_bytes)} in all" if batches.processes > 1 else ""
    page.entry("memory", f"about {size(cost.peak_bytes)}{several}: {_parts(cost.memory)}")


def _parts(memory: "Footprint") -> str:
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "activations": memory.activations,
        "loss": memory.loss,
        "Python and torch": memory.runtime,
    }
    return ", ".join(f"{name} {size(count)}" for name, count in parts.items())


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{round(seconds)} seconds" if seconds >= 1.5 else "1 second"
    return f"{minutes} minutes" if minutes < 100 else f"{minutes // 60}:{minutes % 60:02} hours"


def _fit(text: str, columns: int) -> str:
    """Return a text cut to so many columns."""
    if width(text) <= columns:
        return text
    while width(text) >= columns:
        text = text[:-1]
    return text + "…"
