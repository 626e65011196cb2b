"""The Hub is asked for the right files, its answers become one-line errors, and nobody waits for it."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gptcli
from gptcli.checkpoint import hub
from gptcli.checkpoint.hub import HubError, HubUnreachableError, download, hub_cache, reachable

COMMIT = "c" * 40


def ignore(_description: str, _done: int, _total: int | None) -> None:
    """Take no notice of progress."""


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Replace the network by an empty snapshot, and record the patterns that were asked for."""
    patterns: list[list[str]] = []

    def fake(_repo: str, *, cache_dir: Path, allow_patterns: list[str], tqdm_class: type) -> str:
        assert cache_dir == hub_cache()
        patterns.append(allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fake)
    monkeypatch.setattr(hub, "reachable", lambda: True)
    return patterns


def test_safetensors_suffice_where_they_exist(fetched: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    assert download("org/model", ignore) == tmp_path
    assert len(fetched) == 1
    assert not any("pytorch_model" in pattern for pattern in fetched[0])


def test_pickles_are_fetched_only_where_there_are_no_safetensors(fetched: list[list[str]]) -> None:
    download("org/model", ignore)
    assert "pytorch_model.bin" in fetched[1]


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_mode_makes_no_call(fetched: list[list[str]], monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(HubUnreachableError, match="HF_HUB_OFFLINE is set"):
        download("org/model", ignore)
    assert not fetched


def test_a_port_that_nobody_listens_on_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(HubUnreachableError, match=r"the Hub \(http://127\.0\.0\.1:9\) cannot be reached"):
        download("org/model", ignore)
    assert time.monotonic() - started < hub.ANSWER_TIMEOUT_SECONDS


def test_a_name_lookup_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    end_of_test = threading.Event()

    def hang(*_: object, **__: object) -> None:
        end_of_test.wait()
        raise OSError

    monkeypatch.setattr("socket.create_connection", hang)
    monkeypatch.setattr(hub, "ANSWER_TIMEOUT_SECONDS", 0.01)
    assert not reachable()
    end_of_test.set()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{port}", "127.0.0.1:{port}"])
def test_behind_a_proxy_it_is_the_proxy_that_must_answer(
    monkeypatch: pytest.MonkeyPatch, server: "FakeHub", proxy: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    monkeypatch.setenv("https_proxy", proxy.format(port=server.server_port))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert reachable()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({}, "/home/someone/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_documented_variables_say(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert hub_cache() == Path(expected)


def test_a_full_disk_names_the_variable_that_moves_the_cache(
    fetched: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    with pytest.raises(HubError, match=r"cannot be written \(No space left on device; HF_HOME") as caught:
        download("org/model", ignore)
    assert not isinstance(caught.value, HubUnreachableError)


class FakeHub(http.server.ThreadingHTTPServer):
    """The three calls of the Hub's protocol that a download makes, over the loopback."""

    files: dict[str, bytes]


class FakeHubHandler(http.server.BaseHTTPRequestHandler):
    server: FakeHub

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        files, name = self.server.files, path.rpartition("/")[2]
        if path.startswith("/api/models/org/tiny/revision/"):
            siblings = [{"rfilename": name} for name in files]
            self.answer(200, json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": siblings}).encode())
        elif path.startswith("/api/models/org/tiny/tree/"):
            tree = [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in files]
            self.answer(200, json.dumps(tree).encode())
        elif path.startswith("/org/tiny/resolve/") and name in files:
            self.answer(200, files[name], {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT})
        else:
            self.answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET  # noqa: N815

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep stderr for the program under test."""


@pytest.fixture
def server(checkpoint: Path) -> Iterator[FakeHub]:
    """Serve a tiny checkpoint as org/tiny."""
    with FakeHub(("127.0.0.1", 0), FakeHubHandler) as running:
        running.files = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
        running.files["onnx.bin"] = b"not asked for"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


SCRIPT = """
import sys
from gptcli.checkpoint.locate import locate
from gptcli.errors import ModelError
reports = []
try:
    located = locate(sys.argv[1], on_progress=lambda *report: reports.append(report))
    print(sorted(path.name for path in located.directory.iterdir()), reports[-1:])
except ModelError as error:
    print(error)
"""


@pytest.fixture
def run(server: FakeHub, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Return a runner of a new process, because huggingface_hub reads its environment when it is imported."""
    environment = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "PYTHONPATH": str(Path(gptcli.__file__).parents[1]),
    }

    def run_script(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SCRIPT, name]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )

    return run_script


def test_a_download_brings_the_files_and_reports_bytes_on_no_stream(
    run: Callable[[str], subprocess.CompletedProcess[str]], server: FakeHub
) -> None:
    done = run("org/tiny")
    assert done.stderr == ""
    names = sorted(name for name in server.files if name != "onnx.bin")
    total = sum(len(server.files[name]) for name in names)
    assert done.stdout == f"{names} [('downloading org/tiny', {total}, {total})]\n"
    server.files.clear()
    assert run("org/tiny").stdout == f"{names} []\n"


def test_a_model_that_the_hub_does_not_show_names_the_page_and_the_token(
    run: Callable[[str], subprocess.CompletedProcess[str]], server: FakeHub
) -> None:
    done = run("org/tnyi")
    assert done.stderr == ""
    assert f"http://127.0.0.1:{server.server_port}/org/tnyi does not exist, or is private or gated" in done.stdout
    assert "set HF_TOKEN" in done.stdout
