// The view of layers: what each layer would predict behind a token, were it the last one (the logit lens).

import { byId, el } from "./dom.js";
import { explained } from "./errors.js";
import { latest } from "./latest.js";
import { percent, rounded, spoken, visible, weightTint } from "./looks.js";

const TOP = 5;
const PAUSE_MILLISECONDS = 120;

/** A table with a row a layer, the last one on top. */
export class LayersView {
  scale = "none";
  words = "Choose a token: what would each layer predict to come after it, if the model ended there?";
  legend = [];
  #app;
  #strip;
  #notice;
  #known = null;
  #ask;

  constructor({ app, strip, notice }) {
    this.#app = app;
    this.#strip = strip;
    this.#notice = notice;
    this.#ask = latest({
      milliseconds: PAUSE_MILLISECONDS,
      work: (signal, body) => app.api.json("v1/lens", { body, signal, byItself: true }),
      done: (answer, body, token) => this.#show(answer, body, token),
      failed: (error) => this.#failed(error),
    });
  }

  draw(tokens, { chosen }) {
    const { model, text } = this.#app.store.state;
    const wanted = JSON.stringify([model, text, chosen]);
    this.#strip.tint(
      this.scale,
      [],
      tokens.map((token) => spoken(token.text || token.token)),
    );
    if (this.#known === wanted) return;
    this.#ask({ model, text, position: chosen, top: TOP }, tokens[chosen]);
  }

  point() {
    // Pointing asks for nothing: a prediction costs the server a run of the model.
  }

  clear() {
    this.#ask.cancel();
    this.#known = null;
    byId("lens").replaceChildren();
    byId("layers-words").textContent = "";
  }

  #show({ layers }, { model, text, position }, token) {
    this.#known = JSON.stringify([model, text, position]);
    byId("layers-words").textContent =
      `Behind “${visible(token.text || token.token)}”. The deeper the colour, the surer the layer.`;
    const last = layers.at(-1).layer;
    const rows = [...layers].reverse().map((layer) => rowOf(layer, last));
    const head = el(
      "tr",
      {},
      el("th", { scope: "col" }, "Layer"),
      ...Array.from({ length: TOP }, (_, at) => el("th", { scope: "col" }, ordinal(at))),
      el("th", { scope: "col" }, "Bits"),
    );
    byId("lens").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
  }

  #failed(error) {
    const { message, advice } = explained(error);
    this.clear();
    this.#notice(`${message} ${advice}`.trim());
  }
}

function rowOf({ layer, top, entropy_bits }, last) {
  const name = layer === 0 ? "embeddings" : layer === last ? `${layer}, the output` : String(layer);
  const cells = top.map(({ token, probability }) => {
    const tint = weightTint(probability);
    return el(
      "td",
      { "data-tint": tint },
      el("bdi", { class: "token" }, visible(token)),
      el("small", {}, percent(probability)),
    );
  });
  return el(
    "tr",
    { "data-scale": "weight" },
    el("th", { scope: "row" }, name),
    ...cells,
    el("td", {}, rounded(entropy_bits, 1)),
  );
}

function ordinal(index) {
  return ["First", "Second", "Third", "Fourth", "Fifth"][index];
}
