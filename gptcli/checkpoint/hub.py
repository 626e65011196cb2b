"""Download a model's files from the Hugging Face Hub, or say within seconds why that cannot be done."""

import io
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from gptcli.checkpoint import files
from gptcli.errors import ModelError

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, the bytes done, and the bytes in all where they are known."""

CONNECT_TIMEOUT_SECONDS = 1.5
"""Each address gets this long to accept a connection."""
ANSWER_TIMEOUT_SECONDS = 3.0
"""The name look-up and all addresses together: a resolver without a network can wait for half a minute."""

_COMMON_FILES = (
    files.CONFIG,
    files.GENERATION_CONFIG,
    *files.TOKENIZER_FILES,
    files.TEMPLATE,
    files.ADAPTER_CONFIG,
    files.ADAPTER_WEIGHTS,
)
_SAFETENSORS_FILES = (*_COMMON_FILES, files.SAFETENSORS, files.SAFETENSORS_INDEX, "model-*.safetensors")
_PICKLE_FILES = (*_COMMON_FILES, files.PICKLE, files.PICKLE_INDEX, "pytorch_model-*.bin")


class HubError(ModelError):
    """The Hub did not give the files; the message is a clause that says why, for the caller to complete."""


class HubUnreachableError(HubError):
    """The Hub gave no answer."""


def hub_cache() -> Path:
    """Return the Hugging Face cache directory, by the documented environment variables."""
    environment = os.environ
    home = environment.get("HF_HOME") or f"{environment.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    chosen = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE") or f"{home}/hub"
    return Path(os.path.expanduser(os.path.expandvars(chosen)))


def page(repo: str) -> str:
    """Return the address of a model's page."""
    return f"{_endpoint()}/{repo}"


def download(repo: str, on_progress: Progress) -> Path:
    """Fetch what is missing of a model into the cache and return its directory.

    Raises HubUnreachableError without a network, and HubError when the Hub refuses or the disk is full.
    """
    if _offline():
        raise HubUnreachableError("the Hub may not be asked (HF_HUB_OFFLINE is set)")
    if not reachable():
        raise HubUnreachableError(f"the Hub ({_endpoint()}) cannot be reached")
    # Imported here because it takes a quarter of a second, which a cached model need not pay.
    from huggingface_hub.errors import HfHubHTTPError

    # httpx.HTTPError or httpx2.HTTPError, as the version of huggingface_hub has it.
    transport_error = cast(type[Exception], HfHubHTTPError.__bases__[0])
    try:
        return _fetch(repo, on_progress)
    except (transport_error, OSError) as error:
        raise _explained(error, repo) from error


def reachable() -> bool:
    """Tell whether the Hub, or the proxy in front of it, accepts a connection."""
    # Imported here because it takes as long as all else on the way to a cached model.
    from urllib.request import getproxies, proxy_bypass

    url = urlsplit(_endpoint())
    proxy = getproxies().get(url.scheme)
    if proxy and not proxy_bypass(url.hostname or ""):
        url = urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme="http")
    address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    answers: list[bool] = []
    # A thread that may be left behind, because a name look-up cannot be interrupted.
    attempt = threading.Thread(target=lambda: answers.append(_accepts(address)), daemon=True)
    attempt.start()
    attempt.join(ANSWER_TIMEOUT_SECONDS)
    return answers == [True]


def _accepts(address: tuple[str, int]) -> bool:
    """Tell whether an address accepts a connection."""
    try:
        socket.create_connection(address, timeout=CONNECT_TIMEOUT_SECONDS).close()
    except (OSError, UnicodeError):
        return False
    return True


def _endpoint() -> str:
    """Return the Hub's address."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _offline() -> bool:
    """Tell whether the user forbids network calls, in the spellings that huggingface_hub accepts."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in ("1", "ON", "YES", "TRUE")


def _fetch(repo: str, on_progress: Progress) -> Path:
    """Download safetensors, or pickles only where there are none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    # Bars and log lines of its own would break the one live line that the caller draws.
    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    bar = _progress_bar(f"downloading {repo}", on_progress)
    for patterns in (_SAFETENSORS_FILES, _PICKLE_FILES):
        directory = Path(snapshot_download(repo, cache_dir=hub_cache(), allow_patterns=list(patterns), tqdm_class=bar))
        if files.is_adapter(directory) or files.weight_files(directory):
            break
    return directory


def _progress_bar(description: str, on_progress: Progress) -> type:
    """Make the bar class that snapshot_download asks for; it draws nothing and reports the bytes."""
    from tqdm import tqdm

    # Newer versions count received and written bytes in two bars; the one that is ahead is the progress.
    bars: list[tqdm] = []

    class ReportingBar(tqdm):  # type: ignore[misc]
        """A bar of tqdm whose display is a call."""

        monitor_interval = 0

        def __init__(self, *arguments: object, **options: object) -> None:
            # tqdm itself rejects the name that some versions pass, and prints unless it has another file.
            options.pop("name", None)
            super().__init__(*arguments, **options | {"file": io.StringIO(), "disable": False})
            if self.unit == "B":
                bars.append(self)

        def display(self, *_arguments: object, **_options: object) -> bool:
            done = max((int(bar.n) for bar in bars), default=0)
            total = max((int(bar.total or 0) for bar in bars), default=0)
            if total:
                on_progress(description, min(done, total), total)
            return True

    # tqdm's default lock is shared between processes and starts one to watch over it.
    ReportingBar.set_lock(threading.RLock())
    return ReportingBar


def _explained(error: Exception, repo: str) -> HubError:
    """Turn an error of the download into its reason."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return HubError(
            f"{page(repo)} does not exist, or is private or gated"
            " (then accept its terms on that page and set HF_TOKEN to a token that may read it)"
        )
    if isinstance(error, OSError) and error.errno is not None:
        return HubError(f"{hub_cache()} cannot be written ({error.strerror}; HF_HOME chooses another directory)")
    first_line = str(error).partition("\n")[0].removeprefix("Got: ")
    return HubUnreachableError(f"the Hub ({_endpoint()}) cannot be reached ({first_line})")
