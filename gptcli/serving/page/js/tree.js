// The paths as a tree that keys move in, as ARIA's tree pattern has it.

import { byId, el } from "./dom.js";
import { percent, shortened, visible } from "./looks.js";
import { follow, makeStop } from "./roving.js";
import { rowsOf } from "./rows.js";

const LONGEST = 90;

/** The tree of paths; a click on a token, or Enter on a row, goes there. */
export class PathTree {
  #app;
  #collapsed = new Set();
  #rows = [];
  #stop = null; // the row that the Tab key reaches, by its end

  constructor(app) {
    this.#app = app;
    const tree = byId("tree");
    tree.addEventListener("click", (event) => this.#clicked(event));
    tree.addEventListener("keydown", (event) => this.#pressed(event));
    byId("paths-clear").addEventListener("click", () => {
      if (app.store.state.writing) return;
      this.#collapsed.clear();
      app.journey.clear();
    });
    app.store.watch(["tree", "text", "writing"], () => this.#render());
    this.#render();
  }

  #render() {
    const { paths } = this.#app.journey;
    if (this.#app.store.state.writing) return;
    const tree = byId("tree");
    const focused = tree.contains(document.activeElement);
    const current = paths.nearest(this.#app.store.state.text);
    this.#rows = rowsOf(paths, this.#collapsed);
    const items = this.#rows.map((row) => this.#item(row, current));
    tree.replaceChildren(...items);
    tree.hidden = paths.size < 2;
    byId("paths-empty").hidden = paths.size >= 2;
    byId("paths-clear").hidden = paths.size < 2;
    const ends = this.#rows.map(({ end }) => end);
    const index = Math.max(0, ends.indexOf(focused && ends.includes(this.#stop) ? this.#stop : current));
    this.#moveTo(index, focused);
  }

  #item(row, current) {
    const { paths } = this.#app.journey;
    const pieces = row.nodes.map((id) => {
      const { text, kind } = paths.node(id);
      return el(
        "span",
        { class: `piece ${kind}`, "data-node": id, title: text.slice(0, 500) },
        shortened(visible(text), LONGEST),
      );
    });
    const first = paths.node(row.nodes[0]);
    const note = first.probability === null ? null : el("span", { class: "quiet" }, percent(first.probability));
    const isCurrent = row.end === current;
    const item = el(
      "li",
      {
        role: "treeitem",
        class: "row-item",
        "data-end": row.end,
        "aria-level": row.level,
        "aria-selected": String(isCurrent),
        "aria-current": isCurrent ? "step" : null,
        "aria-expanded": row.hasChildren ? String(row.expanded) : null,
      },
      el("span", { class: "twist", "aria-hidden": "true" }, row.hasChildren ? (row.expanded ? "▾" : "▸") : "·"),
      el("bdi", { class: "pieces" }, ...pieces),
    );
    if (note) item.append(note);
    item.style.setProperty("--level", String(Math.min(row.level - 1, 8)));
    return item;
  }

  #clicked({ target }) {
    const item = target.closest("[data-end]");
    if (!item || this.#app.store.state.writing) return;
    const end = Number(item.dataset.end);
    this.#stop = end;
    if (target.closest(".twist") && item.hasAttribute("aria-expanded")) this.#toggle(end);
    else this.#go(Number(target.closest("[data-node]")?.dataset.node ?? end));
  }

  #pressed(event) {
    const items = [...byId("tree").children];
    const index = items.indexOf(document.activeElement);
    if (index < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const row = this.#rows[index];
    const next = follow(event.key, items, index, { forward: ["ArrowDown"], backward: ["ArrowUp"] });
    if (next) this.#moveTo(items.indexOf(next), true);
    else if (event.key === "Enter" || event.key === " ") this.#go(row.end);
    else if (event.key === "ArrowRight" && row.hasChildren)
      row.expanded ? this.#moveTo(index + 1, true) : this.#toggle(row.end);
    else if (event.key === "ArrowLeft" && row.hasChildren && row.expanded) this.#toggle(row.end);
    else if (event.key === "ArrowLeft" && row.parent !== null)
      this.#moveTo(
        this.#rows.findIndex(({ end }) => end === row.parent),
        true,
      );
    else return;
    event.preventDefault();
  }

  #go(id) {
    if (this.#app.store.state.writing) return;
    this.#app.journey.settle(); // what was typed stays as a branch
    this.#stop = id;
    this.#app.journey.go(id);
  }

  #toggle(end) {
    if (!this.#collapsed.delete(end)) this.#collapsed.add(end);
    this.#render();
  }

  #moveTo(index, focus) {
    const items = [...byId("tree").children];
    if (!items[index]) return;
    this.#stop = this.#rows[index].end;
    makeStop(items, items[index]);
    if (focus) items[index].focus();
  }
}
