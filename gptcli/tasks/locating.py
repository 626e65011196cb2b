"""Find a model while telling how its download goes."""

import queue
import threading
from collections.abc import Generator

from gptcli.checkpoint.locate import DEFAULT, Located, locate
from gptcli.tasks.events import Notice, Stage

MEGABYTE = 1_000_000


def located_model(name: str | None) -> Generator[Stage | Notice, None, Located]:
    """Yield how far a download is and what there is to warn about; return the model's place.

    Raises ModelError when it cannot be found.
    """
    yield Stage(text=f"looking for {name or DEFAULT}")
    reports: queue.SimpleQueue[Stage | Located | BaseException] = queue.SimpleQueue()

    def on_progress(description: str, done: int, total: int | None) -> None:
        size = f" of {total / MEGABYTE:,.0f}" if total else ""
        reports.put(Stage(text=f"{description}: {done / MEGABYTE:,.0f}{size} MB"))

    def work() -> None:
        try:
            reports.put(locate(name, on_progress=on_progress))
        except BaseException as error:  # raised again below, where the caller can see it
            reports.put(error)

    # A daemon, so that Ctrl-C need not wait for a download.
    threading.Thread(target=work, daemon=True, name="gptcli-locate").start()
    while isinstance(report := reports.get(), Stage):
        yield report
    if isinstance(report, BaseException):
        raise report
    if report.notice:
        yield Notice(text=report.notice)
    if report.base:
        yield Notice(text=f"{report.name} is an adapter of {report.base}", detail=True)
    return report
