"""The playground's paths and shared states: nothing is lost, all comes back, and what is hostile is refused."""

from playwright.sync_api import Page

from tests.page.modules import run

GROWN = """
    const { Paths } = await load("paths");
    const paths = new Paths();
    const root = paths.settle("Once upon");
    const taken = paths.branch(root, { text: " a", kind: "token", probability: 0.5 });
    const time = paths.branch(taken, { text: " time", kind: "generated" });
    const dog = paths.branch(taken, { text: " dog", kind: "token", probability: 0.25 });
    paths.go(dog);
    """


def test_what_was_tried_stays_as_a_branch(module_page: Page) -> None:
    body = """
        const { rowsOf } = await load("rows");
        const again = paths.branch(taken, { text: " time", kind: "token" }) === time;
        paths.settle("Once upon a dog that");
        const rows = rowsOf(paths, new Set());
        const texts = rows.map(({ level, nodes }) => [level, nodes.map((id) => paths.node(id).text).join("|")]);
        return { again, texts, folded: rowsOf(paths, new Set([taken])).length };
        """
    found = run(module_page, GROWN + body)
    texts = [[1, "Once upon| a"], [2, " time"], [2, " dog| that"]]
    assert found == {"again": True, "texts": texts, "folded": 1}


def test_a_path_can_leave_another_in_the_middle_of_a_word(module_page: Page) -> None:
    body = """
        paths.go(paths.branch(paths.cut("Once up"), { text: "ward", kind: "token" }));
        return [paths.current, time, dog].map((id) => paths.textOf(id));
        """
    assert run(module_page, GROWN + body) == ["Once upward", "Once upon a time", "Once upon a dog"]


def test_a_step_back_undoes_what_was_taken_written_or_typed_last_and_loses_nothing(
    module_page: Page,
) -> None:
    body = """
        const { Journey } = await load("journey");
        const { Store, initialState } = await load("state");
        const store = new Store({ ...initialState(), text: "Once" });
        const journey = new Journey(store, new Paths());
        const first = journey.canStepBack;
        journey.take({ text: " upon", probability: 0.5 });
        journey.keep(journey.settle(), " a time", { show: true });
        store.set({ text: `${store.state.text} there` });
        const texts = [];
        for (let step = 0; step < 5; step += 1) {
          texts.push(store.state.text);
          if (journey.canStepBack) journey.stepBack();
        }
        return { first, texts, size: journey.paths.size, marked: journey.stretches() };
        """
    found = run(module_page, GROWN + body)
    assert found["first"] is False
    assert found["texts"] == ["Once upon a time there", "Once upon a time", "Once upon", "Once", "Once"]
    assert found["size"] == 5
    assert found["marked"] == [{"text": "Once", "model": False}]


def test_a_shared_state_comes_back_as_it_was(module_page: Page) -> None:
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
    found = run(module_page, GROWN + body, "é 😀 <b>\n\0")
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


def test_a_hostile_hash_is_refused_with_a_word_of_why(module_page: Page) -> None:
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
    refusals = run(module_page, PACK + body)
    assert len(refusals) == 11
    assert all(isinstance(refusal, str) and refusal.endswith(".") for refusal in refusals), refusals
    assert "version" in refusals[3]
    assert "more than" in refusals[-1]


def test_what_is_of_the_wrong_kind_in_a_hash_is_left_out(module_page: Page) -> None:
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
    found = run(module_page, PACK + body)
    assert list(found["parts"]) == ["settings"]
    assert found["parts"]["settings"]["temperature"] == 1
    assert found["parts"]["settings"]["seed"] == 0
    assert found["parts"]["settings"]["n"] == 16
    assert found["refused"] == [True, True, True]
