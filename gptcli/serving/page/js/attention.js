// The view of attention: what a token looks at, in one layer and head.

import { byId, el } from "./dom.js";
import { explained } from "./errors.js";
import { latest } from "./latest.js";
import { WEIGHT_STEPS, percent, rounded, spoken, visible, weightTint } from "./looks.js";
import { Matrix } from "./matrix.js";

const STRONGEST = 5;
const PAUSE_MILLISECONDS = 60;

/** Tints tokens by the weight that the chosen token gives them, and draws the whole matrix. */
export class AttentionView {
  scale = "weight";
  words =
    "The colours show what the chosen token looks at: itself, and what stands before it. " +
    "The first token is often just a place to rest.";
  legend = [
    `below ${rounded(100 * WEIGHT_STEPS[0])} %`,
    ...WEIGHT_STEPS.map((least) => `${rounded(100 * least)} % or more`),
  ];
  #app;
  #strip;
  #notice;
  #matrix;
  #tokens = [];
  #weights = null;
  #known = null;
  #chosen = 0;
  #ask;

  constructor({ app, strip, notice }) {
    this.#app = app;
    this.#strip = strip;
    this.#notice = notice;
    this.#matrix = new Matrix({
      read: (row, column) => this.#read(row, column),
      choose: (row) => app.store.set({ position: row }),
    });
    this.#ask = latest({
      milliseconds: PAUSE_MILLISECONDS,
      work: (signal, body) => app.api.json("v1/attention", { body, signal, byItself: true }),
      done: ({ weights }, body) => this.#arrived(weights, body),
      failed: (error) => this.#failed(error),
    });
    for (const name of ["layer", "head"]) {
      byId(name).addEventListener("input", ({ target }) => app.store.set({ [name]: Number(target.value) }));
    }
    app.onColours(() => this.#matrix.draw());
  }

  draw(tokens, { chosen, pointed }) {
    const { model, text } = this.#app.store.state;
    const { layer, head } = this.#picked();
    this.#tokens = tokens;
    this.#chosen = chosen;
    const wanted = JSON.stringify([model, text, layer, head]);
    if (this.#known === wanted) this.point(pointed);
    else this.#ask({ model, text, layer, head });
  }

  /** Show the weights of the token under the pointer, or else of the chosen one. */
  point(index) {
    if (!this.#weights) return;
    const row = index ?? this.#chosen;
    const weights = this.#weights[row] ?? [];
    const labels = this.#tokens.map(
      (token, at) => `${spoken(token.text || token.token)}, ${at > row ? "comes later" : percent(weights[at] ?? 0)}`,
    );
    this.#strip.tint(
      this.scale,
      this.#tokens.map((_, at) => weightTint(weights[at] ?? 0)),
      labels,
    );
    this.#matrix.mark(row);
    byId("strongest").replaceChildren(...this.#strongest(row, weights));
  }

  clear() {
    this.#ask.cancel();
    this.#known = null;
    this.#weights = null;
    this.#matrix.show([]);
    byId("strongest").replaceChildren();
  }

  /** Return layer and head within what the model has, and let the sliders show them. */
  #picked() {
    const { state } = this.#app.store;
    const model = this.#app.models.get(state.model);
    const picked = {};
    for (const [name, count] of [
      ["layer", model.layers],
      ["head", model.heads],
    ]) {
      picked[name] = Math.min(state[name], count - 1);
      byId(name).max = count - 1;
      byId(name).value = picked[name];
      byId(`${name}-value`).textContent = `${picked[name]} (0 to ${count - 1})`;
    }
    return picked;
  }

  #arrived(weights, { model, text, layer, head }) {
    const before = weights.length - this.#tokens.length; // a token that the server put before the text, if it did
    this.#weights = before > 0 ? weights.slice(before).map((row) => row.slice(before)) : weights;
    this.#known = JSON.stringify([model, text, layer, head]);
    this.#matrix.show(this.#weights, `Attention of layer ${layer}, head ${head}: ${this.#weights.length} tokens`);
    this.point(null);
  }

  #failed(error) {
    const { message, advice } = explained(error);
    this.clear();
    this.#notice(`${message} ${advice}`.trim());
  }

  #strongest(row, weights) {
    const order = weights.map((weight, at) => ({ weight, at })).sort((one, other) => other.weight - one.weight);
    const items = order
      .slice(0, STRONGEST)
      .map(({ weight, at }) => el("li", {}, el("bdi", { class: "token" }, this.#name(at)), ` ${percent(weight)}`));
    return [
      el("p", {}, el("bdi", { class: "token" }, this.#name(row)), " looks at"),
      el("ol", { class: "looks" }, ...items),
    ];
  }

  #read(row, column) {
    const weight = this.#weights?.[row]?.[column];
    if (weight === undefined) return null;
    return `${this.#name(row)} looks at ${this.#name(column)}: ${percent(weight)}`;
  }

  #name(index) {
    const token = this.#tokens[index];
    return token ? visible(token.text || token.token) : "";
  }
}
