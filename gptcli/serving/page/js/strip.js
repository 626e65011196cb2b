// The text cut into tokens, each of which can be pointed at or gone to, and is tinted.

import { byId, el } from "./dom.js";
import { inPlace } from "./looks.js";
import { follow, makeStop } from "./roving.js";

/** Tells choose(index) which token was clicked or gone to, and point(index) which one the pointer is on, or null. */
export class TokenStrip {
  #box = byId("tokens");
  #items = [];
  #choose;

  constructor({ choose, point }) {
    this.#choose = choose;
    this.#box.addEventListener("click", ({ target }) => this.#go(this.#indexOf(target)));
    this.#box.addEventListener("pointerover", ({ target }) => point(this.#indexOf(target)));
    this.#box.addEventListener("pointerleave", () => point(null));
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Show these texts, one a token. */
  show(texts) {
    const focused = this.#box.contains(document.activeElement);
    this.#items = texts.map((text, index) => {
      return el("span", { role: "option", class: "piece", "data-index": index, "aria-selected": "false" }, drawn(text));
    });
    this.#box.replaceChildren(...this.#items);
    this.#box.hidden = !texts.length;
    if (focused) this.#items[0]?.focus();
  }

  /** Tint each token by the scale of this name, and say each with its label. */
  tint(scale, tints, labels) {
    this.#box.dataset.scale = scale;
    this.#items.forEach((item, index) => {
      item.dataset.tint = tints[index] ?? 0;
      item.setAttribute("aria-label", labels[index]);
    });
  }

  /** Mark the chosen token. */
  mark(chosen) {
    this.#items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
    if (this.#items[chosen]) makeStop(this.#items, this.#items[chosen]);
  }

  #pressed(event) {
    const index = this.#items.indexOf(document.activeElement);
    const arrows = { forward: ["ArrowRight", "ArrowDown"], backward: ["ArrowLeft", "ArrowUp"] };
    const next = follow(event.key, this.#items, index, arrows);
    if (index < 0 || !next) return;
    event.preventDefault();
    this.#go(this.#items.indexOf(next));
  }

  #go(index) {
    if (index === null) return;
    this.#choose(index);
    this.#items[index].focus();
  }

  #indexOf(target) {
    const item = target.closest("[data-index]");
    return item ? Number(item.dataset.index) : null;
  }
}

/** Return what is seen of a token; one without text of its own, a part of a character, is a dot. */
function drawn(text) {
  return text === "" ? "·" : inPlace(text);
}
