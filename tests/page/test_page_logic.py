"""The playground's logic without its page: what it parses, quotes, shares and keeps, in a real browser's JavaScript."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

import gptcli.serving
from tests.browser import Visit

MODULES = Path(gptcli.serving.__file__).parent / "page" / "js"
ORIGIN = "http://127.0.0.1:9"
"""Nothing listens there: every request is answered by the test."""
HOSTILE = [
    "",
    "-x",
    "-",
    'it\'s "quoted" $(false) `false` \\n !1',
    "lines\nand\n\n",
    "a tab\t, Ctrl-C \x03, a NUL \0, an escape \x1b[201~ and C1 \x9b\n",
    "é 😀 \u202e \u200b",
]


@pytest.fixture
def page(visit: Visit) -> Page:
    """Return an empty page beside which the modules lie."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        body, kind = ((MODULES / name).read_text("utf-8"), "text/javascript") if name else ("", "text/html")
        route.fulfill(body=body, content_type=kind)

    visit.page.route(f"{ORIGIN}/**", answer)
    visit.page.goto(f"{ORIGIN}/")
    return visit.page


def run(page: Page, body: str, given: Any = None) -> Any:
    """Return what a function's body returns for `given`; `load(name)` is a module."""
    return page.evaluate(f"async (given) => {{ const load = (name) => import(`./${{name}}.js`); {body} }}", given)


def test_a_stream_is_read_however_it_is_cut(page: Page) -> None:
    text = '\ufeff: hello\r\ndata: a\r\ndata:b\r\n\r\nevent: x\ndata: {"é": 1}\n\ndata\r\rid: 3\n\ndata: unfinished'
    found = run(
        page,
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
def test_the_command_gives_generate_the_text_and_nothing_else(page: Page, text: str) -> None:
    body = """
        const { generateCommand } = await load("shell");
        const { DEFAULTS } = await load("settings");
        return generateCommand({ model: "my model", text: given, settings: { ...DEFAULTS, seed: 7, n: 2 } });
        """
    command = run(page, body, text)
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


def test_curl_sends_the_body_and_leaves_the_key_to_a_variable(page: Page) -> None:
    body = """
        const { curl } = await load("shell");
        return curl("http://127.0.0.1:8000/v1/completions", { prompt: given }, { key: true });
        """
    command = run(page, body, HOSTILE[5])
    told = "curl() { printf '%s\\036' \"$@\"; }; GPTCLI_API_KEY=secret; "
    output = subprocess.run(["sh", "-c", told + command], capture_output=True, check=True).stdout.decode()
    assert "secret" not in command
    assert "Authorization: Bearer secret" in output.split("\x1e")
    assert run(page, "return JSON.parse(given).prompt", output.split("\x1e")[-2]) == HOSTILE[5]


GROWN = """
    const { Paths } = await load("paths");
    const paths = new Paths();
    const root = paths.settle("Once upon");
    const taken = paths.branch(root, { text: " a", kind: "token", probability: 0.5 });
    const time = paths.branch(taken, { text: " time", kind: "generated" });
    const dog = paths.branch(taken, { text: " dog", kind: "token", probability: 0.25 });
    paths.go(dog);
    """


def test_what_was_tried_stays_as_a_branch(page: Page) -> None:
    body = """
        const { rowsOf } = await load("rows");
        const again = paths.branch(taken, { text: " time", kind: "token" }) === time;
        paths.settle("Once upon a dog that");
        const rows = rowsOf(paths, new Set());
        const texts = rows.map(({ level, nodes }) => [level, nodes.map((id) => paths.node(id).text).join("|")]);
        return { again, texts, folded: rowsOf(paths, new Set([taken])).length };
        """
    found = run(page, GROWN + body)
    texts = [[1, "Once upon| a"], [2, " time"], [2, " dog| that"]]
    assert found == {"again": True, "texts": texts, "folded": 1}


def test_a_path_can_leave_another_in_the_middle_of_a_word(page: Page) -> None:
    body = """
        paths.go(paths.branch(paths.cut("Once up"), { text: "ward", kind: "token" }));
        return [paths.current, time, dog].map((id) => paths.textOf(id));
        """
    assert run(page, GROWN + body) == ["Once upward", "Once upon a time", "Once upon a dog"]


def test_a_shared_state_comes_back_as_it_was(page: Page) -> None:
    body = """
        const { encoded, decoded, looksShared } = await load("share");
        const { initialState } = await load("state");
        const state = { ...initialState(), model: "builtin", text: given, tab: "inside", layer: 3 };
        state.settings = { ...state.settings, temperature: 0.7, top_k: 0 };
        paths.cut("Once up");
        paths.go(dog);
        const hash = await encoded(state, paths);
        const { parts, tree } = await decoded(hash);
        const other = new Paths();
        other.restore(tree);
        const plain = /^[\\w.-]+$/.test(hash);
        const shown = [looksShared(hash), plain, other.textOf(other.current), other.size === paths.size];
        return { parts, shown, sent: state };
        """
    found = run(page, GROWN + body, "é 😀 <b>\n\0")
    kept = ("model", "text", "tab", "layer", "settings")
    assert [found["parts"][name] for name in kept] == [found["sent"][name] for name in kept]
    assert found["shown"] == [True, True, "Once upon a dog", True]


PACK = """
    const pack = async (bytes) => {
      const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
      const packed = new Uint8Array(await new Response(stream).arrayBuffer());
      const text = btoa(String.fromCharCode(...packed));
      return `1.${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
    };
    const { decoded, ShareError } = await load("share");
    """


def test_a_hostile_hash_is_refused_with_a_word_of_why(page: Page) -> None:
    body = """
        const damaged = ["", "1", "1.", "2.abcd", "1.AAAA", "1.%00", "x.y", `1.${"A".repeat(20000)}`];
        const packed = [await pack("[1"), await pack("null"), await pack(new Uint8Array(10_000_000))];
        const refusals = [];
        for (const hash of [...damaged, ...packed]) {
          const told = (error) => error instanceof ShareError && error.message;
          refusals.push(await decoded(hash).then(() => "taken", told));
        }
        return refusals;
        """
    refusals = run(page, PACK + body)
    assert len(refusals) == 11
    assert all(isinstance(refusal, str) and refusal.endswith(".") for refusal in refusals), refusals
    assert "version" in refusals[3]
    assert "more than" in refusals[-1]


def test_what_is_of_the_wrong_kind_in_a_hash_is_left_out(page: Page) -> None:
    body = """
        const wrong = { t: 5, m: {}, b: "evil", v: 1, p: -1, l: 1e9, s: { temperature: "1e999", seed: -4, n: 1e9 } };
        const { parts, tree } = await decoded(await pack(JSON.stringify({ ...wrong, g: [["a"]], c: 9 })));
        const { Paths } = await load("paths");
        const deep = Array.from({ length: 5000 }, (_, at) => [at, "x", 0, null]);
        const refused = [tree, { rows: [[1, "x", 0, null]], current: 0 }, { rows: deep, current: 0 }].map((each) => {
          const paths = new Paths();
          try {
            paths.restore(each);
          } catch (error) {
            return error instanceof TypeError && paths.size === 1;
          }
        });
        return { parts, refused };
        """
    found = run(page, PACK + body)
    assert list(found["parts"]) == ["settings"]
    assert found["parts"]["settings"]["temperature"] == 1
    assert found["parts"]["settings"]["seed"] == 0
    assert found["parts"]["settings"]["n"] == 16
    assert found["refused"] == [True, True, True]


def test_only_the_latest_question_is_answered(page: Page) -> None:
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
    assert run(page, body) == {"seen": ["late"], "aborted": True}


def test_what_cannot_be_seen_in_a_token_is_shown(page: Page) -> None:
    body = """
        const { visible, spoken, percent } = await load("looks");
        const shown = given.map(visible);
        return [shown, given.map(spoken), [1, 0.99999, 0.5, 0.0123, 1e-9, 0].map(percent)];
        """
    shown, spoken, percents = run(page, body, [" a b ", "\n", "\x1b\u202e", " time"])
    assert shown == ["␣a b␣", "⏎", "␛⟨U+202E⟩", "␣time"]
    assert spoken == ["a b", "line end", "␛⟨U+202E⟩", "time"]
    assert percents == ["100 %", "> 99.9 %", "50.0 %", "1.23 %", "< 0.01 %", "0 %"]
