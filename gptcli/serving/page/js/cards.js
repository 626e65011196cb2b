// Alternatives side by side, each of which can be taken into the text.

import { byId, el } from "./dom.js";

/** The cards of one request for several continuations. */
export class Cards {
  #app;
  #parent = null;
  #paths = null; // the tree that the parent is in
  #cards = [];
  ended = null;

  constructor(app) {
    this.#app = app;
    app.store.watch(["tree", "text"], ({ text }) => {
      if (this.#parent !== null && !this.#continued(text)) this.#putAway();
    });
    byId("alternatives-close").addEventListener("click", () => this.#putAway());
  }

  /** Return the node that the cards on show continue, or null while none are. */
  get parent() {
    return this.#parent;
  }

  get isEmpty() {
    return this.#cards.every(({ written }) => written === "");
  }

  /** Return whether the cards continue this text: it may have been typed over, or its tree be gone. */
  #continued(text) {
    const { paths } = this.#app.journey;
    return paths === this.#paths && paths.textOf(this.#parent) === text;
  }

  /** Show an empty card for each alternative, and return what they are put into. */
  open(parent) {
    this.#parent = parent;
    this.#paths = this.#app.journey.paths;
    const { n } = this.#app.store.state.settings;
    this.#cards = Array.from({ length: n }, (_, index) => card(index));
    for (const each of this.#cards) each.use.addEventListener("click", () => this.#use(each));
    byId("cards").replaceChildren(...this.#cards.map(({ element }) => element));
    byId("alternatives").hidden = false;
    return this;
  }

  put({ index, text, ended }) {
    const each = this.#cards[index];
    if (!each) return;
    each.written += text;
    each.text.textContent = each.written;
    if (ended) each.note.textContent = ended === "stop" ? "ended here" : "";
  }

  /** Keep each alternative as a branch. */
  close() {
    for (const each of this.#cards) {
      if (each.written === "") each.note.textContent = "nothing was written";
      else {
        each.node = this.#app.journey.keep(this.#parent, each.written.toWellFormed(), { show: false });
        each.use.disabled = false;
      }
    }
  }

  #use({ node }) {
    this.#app.journey.go(node);
    this.#putAway();
    byId("text").focus();
  }

  #putAway() {
    this.#parent = null;
    this.#cards = [];
    byId("cards").replaceChildren();
    byId("alternatives").hidden = true;
    this.#app.store.set({ tree: this.#app.store.state.tree + 1 }); // there is nothing to try again any more
  }
}

function card(index) {
  const text = el("p", { class: "written" });
  const note = el("span", { class: "quiet" });
  const use = el(
    "button",
    { type: "button", disabled: true, "aria-label": `Use alternative ${index + 1}` },
    "Use this",
  );
  const element = el(
    "article",
    { class: "card", "aria-label": `Alternative ${index + 1}` },
    text,
    el("div", { class: "row" }, use, note),
  );
  return { element, text, note, use, written: "", node: null };
}
