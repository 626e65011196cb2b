"""The playground's logic without its page: what it parses, quotes and shows, and which answers it takes."""

import re
import subprocess

import pytest
from playwright.sync_api import Page

from tests.page.modules import run

HOSTILE = [
    "",
    "-x",
    "-",
    'it\'s "quoted" $(false) `false` \\n !1',
    "lines\nand\n\n",
    "a tab\t, Ctrl-C \x03, a NUL \0, an escape \x1b[201~ and C1 \x9b\n",
    "é 😀 \u202e \u200b",
]


def test_a_stream_is_read_however_it_is_cut(module_page: Page) -> None:
    text = '\ufeff: hello\r\ndata: a\r\ndata:b\r\n\r\nevent: x\ndata: {"é": 1}\n\ndata\r\rid: 3\n\ndata: unfinished'
    found = run(
        module_page,
        """
        const { EventParser } = await load("sse");
        const cuts = Array.from({ length: given.length + 1 }, (_, at) => [given.slice(0, at), given.slice(at)]);
        return [...cuts, [...given]].map((pieces) => {
          const parser = new EventParser();
          return pieces.flatMap((piece) => parser.push(piece));
        });
        """,
        text,
    )
    assert all(events == ["a\nb", '{"é": 1}', ""] for events in found)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_command_gives_generate_the_text_and_nothing_else(module_page: Page, text: str) -> None:
    body = """
        const { generateCommand } = await load("shell");
        const { DEFAULTS } = await load("settings");
        return generateCommand({ model: "my model", text: given, settings: { ...DEFAULTS, seed: 7, n: 2 } });
        """
    command = run(module_page, body, text)
    assert not re.search(r"[\0-\x09\x0b-\x1f\x7f-\x9f]", command)
    told = """gptcli() { printf '%s\\036' "$@"; case "$*" in *--whole*) cat;; *) ;; esac; }; """
    output = subprocess.run(["sh", "-c", told + command], capture_output=True, check=True).stdout.decode()
    *words, rest = output.split("\x1e")
    begin = ["generate", "-m", "my model", "--template", "none", "--seed", "7", "-n", "2"]
    assert words[: len(begin)] == begin
    if words[len(begin) :] == ["--whole"]:
        assert rest == text + "\n"  # of which --whole takes one line end off
    else:
        assert [word for word in words[len(begin) :] if word != "--"] == [text]


def test_curl_sends_the_body_and_leaves_the_key_to_a_variable(module_page: Page) -> None:
    body = """
        const { curl } = await load("shell");
        return curl("http://127.0.0.1:8000/v1/completions", { prompt: given }, { key: true });
        """
    command = run(module_page, body, HOSTILE[5])
    told = "curl() { printf '%s\\036' \"$@\"; }; GPTCLI_API_KEY=secret; "
    output = subprocess.run(["sh", "-c", told + command], capture_output=True, check=True).stdout.decode()
    assert "secret" not in command
    assert "Authorization: Bearer secret" in output.split("\x1e")
    assert run(module_page, "return JSON.parse(given).prompt", output.split("\x1e")[-2]) == HOSTILE[5]


def test_only_the_latest_question_is_answered(module_page: Page) -> None:
    body = """
        const { latest } = await load("latest");
        const seen = [];
        const open = new Map();
        const work = (signal, name) => new Promise((resolve) => open.set(name, { signal, resolve }));
        const told = { done: (result) => seen.push(result), failed: () => seen.push("!") };
        const ask = latest({ milliseconds: 0, work, ...told });
        const begun = async (name) => {
          ask(name);
          while (!open.has(name)) await new Promise((resolve) => setTimeout(resolve));
        };
        await begun("early");
        await begun("late");
        open.get("late").resolve("late");
        open.get("early").resolve("early");
        await new Promise((resolve) => setTimeout(resolve));
        return { seen, aborted: open.get("early").signal.aborted };
        """
    assert run(module_page, body) == {"seen": ["late"], "aborted": True}


def test_what_cannot_be_seen_in_a_token_is_shown(module_page: Page) -> None:
    body = """
        const { visible, spoken, percent } = await load("looks");
        const shown = given.map(visible);
        return [shown, given.map(spoken), [1, 0.99999, 0.5, 0.0123, 1e-9, 0].map(percent)];
        """
    shown, spoken, percents = run(module_page, body, [" a b ", "\n", "\x1b\u202e", " time"])
    assert shown == ["␣a b␣", "⏎", "␛⟨U+202E⟩", "␣time"]
    assert spoken == ["a b", "line end", "␛⟨U+202E⟩", "time"]
    assert percents == ["100 %", "> 99.9 %", "50.0 %", "1.23 %", "< 0.01 %", "0 %"]
