"""Every answer that docs/serve.md shows is what the built-in model's server gives to the request above it."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.command import gptcli
from tests.serving.asking import JSON, app_of
from tests.serving.sending import ask

PAGE = Path(__file__).parents[2] / "docs" / "serve.md"


def blocks() -> Iterator[list[str]]:
    """Yield the indented blocks of the page; a command that goes on in the next line is one line."""
    block: list[str] = []
    for line in [*PAGE.read_text(encoding="utf-8").replace(" \\\n", " ").splitlines(), "end"]:
        if line.startswith("    "):
            block.append(line.removeprefix("    "))
        elif line or not (block and block[0].startswith("curl -N")):  # blank lines part the events of a stream
            if block:
                yield block
            block = []


EXAMPLES = [
    (block[0], block[1:]) for block in blocks() if block[0].startswith(("curl", "gptcli generate")) and block[1:]
]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return app_of("builtin")


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=lambda value: str(value)[:70])
def test_the_answer_is_the_one_that_is_shown(app: FastAPI, command: str, shown: list[str]) -> None:
    words = shlex.split(command)
    if words[0] == "gptcli":
        assert gptcli(shlex.join(words[1:])).out.decode().splitlines() == shown
        return
    (path,) = (word.removeprefix("localhost:8000") for word in words if word.startswith("localhost:8000"))
    if "-d" not in words:
        text = ask(app, "GET", path).text
    else:
        assert words[words.index("-H") + 1] == "Content-Type: application/json"
        text = ask(app, "POST", path, content=words[words.index("-d") + 1], headers=JSON).text
    assert comparable(text) == roughly(comparable("\n".join(shown)))


def test_the_page_has_an_example_of_every_route(app: FastAPI) -> None:
    shown = "\n".join(block[0] for block in blocks()) + PAGE.read_text(encoding="utf-8")
    for path in ask(app, "GET", "/openapi.json").json()["paths"]:
        assert path.replace("{model}", "ID") in shown


def comparable(text: str) -> list[Any]:
    """Return the object of an answer, or of a stream's events, without what is drawn."""
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    objects = joined([json.loads(event) for event in events]) if events else [json.loads(text.replace("\n", " "))]
    return [without_times({name: value for name, value in one.items() if name != "id"}) for one in objects]


def joined(events: list[dict[str, Any]]) -> list[Any]:
    """Return a stream's last event with all of the text: how many pieces it comes in is a matter of speed."""
    events[-1]["choices"][0]["text"] = "".join(event["choices"][0]["text"] for event in events)
    return events[-1:]


def without_times(value: Any) -> Any:
    """Return a value without the times in it."""
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name != "created"}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def roughly(value: Any) -> Any:
    """Return what equals a value whose numbers have more digits."""
    if isinstance(value, float):
        return pytest.approx(value, rel=2e-3)
    if isinstance(value, dict):
        return {name: roughly(one) for name, one in value.items()}
    return [roughly(one) for one in value] if isinstance(value, list) else value
