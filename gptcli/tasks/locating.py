"""Find and open a model while telling how its download goes, and what its loading waits for."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar, cast

from gptcli.checkpoint.locate import DEFAULT, Located, locate
from gptcli.engine.opening import Loaded
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import imports_torch, require_device
from gptcli.tasks.events import ModelReady, Notice, Stage
from gptcli.tasks.sharing import ALONE, Share

MEGABYTE = 1_000_000

AnyLoaded = TypeVar("AnyLoaded", bound=Loaded)


def located_model(name: str | None, share: Share = ALONE) -> Generator[Stage | Notice, None, Located]:
    """Yield how far a download is and what there is to warn about; return the model's place.

    Of several processes the main one looks, so that a model is downloaded once and is the same in all of them. Raises
    ModelError when it cannot be found.
    """
    located = (yield from _found(name)) if share.is_main else None
    return cast(Located, share.told_by_main(located))


def opened(
    model: ModelOptions, load: Callable[[Located, ModelOptions], AnyLoaded], share: Share = ALONE
) -> Generator[Stage | ModelReady | Notice, None, AnyLoaded]:
    """Open a model while telling how; raises ModelError, DeviceError and what load raises."""
    require_device(model)
    located = yield from located_model(model.model, share)
    yield loading(located, model)
    loaded = load(located, model)
    yield ModelReady(directory=str(loaded.directory.resolve()), dtype=loaded.dtype)
    yield Notice(text=loaded.description, detail=True)
    return loaded


def loading(located: Located, model: ModelOptions) -> Stage:
    """Say what takes its time: torch's import takes longer than most models."""
    return Stage(text=f"loading torch and {located.name}" if imports_torch(model) else f"loading {located.name}")


def _found(name: str | None) -> Generator[Stage | Notice, None, Located]:
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
