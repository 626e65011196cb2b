// The tab that looks inside: one text as tokens, and three views of it.

import { AttentionView } from "./attention.js";
import { byId, el } from "./dom.js";
import { explained } from "./errors.js";
import { latest } from "./latest.js";
import { LayersView } from "./layers.js";
import { isClassifier } from "./models.js";
import { VIEWS } from "./state.js";
import { TokenStrip } from "./strip.js";
import { SurpriseView } from "./surprise.js";

const TOP = 5;

/** Keeps the tokens of the state's text, and hands them to the view that is chosen. */
export class Inside {
  #app;
  #strip;
  #views;
  #tokens = [];
  #known = null; // of which model and text the tokens are
  #pointed = null;
  #ask;

  constructor(app) {
    this.#app = app;
    this.#strip = new TokenStrip({
      choose: (index) => this.#choose(index),
      point: (index) => this.#point(index),
    });
    const parts = { app, strip: this.#strip, notice: showNotice };
    this.#views = {
      probability: new SurpriseView(parts),
      attention: new AttentionView(parts),
      layers: new LayersView(parts),
    };
    this.#ask = latest({
      milliseconds: 0,
      work: (signal, body) => app.api.json("v1/surprisal", { body, signal, byItself: true }),
      done: (answer, body) => this.#arrived(answer, body),
      failed: (error) => this.#failed(error),
    });
    byId("views").addEventListener("change", ({ target }) => app.store.set({ view: target.value }));
    app.store.watch(["tab", "text", "model", "view", "position", "layer", "head", "writing"], () => this.#refresh());
    this.#refresh();
  }

  /** Return the number of the chosen token: the last one while none was chosen. */
  get #chosen() {
    return Math.min(this.#app.store.state.position ?? Infinity, this.#tokens.length - 1);
  }

  #refresh() {
    const { tab, text, model, view, writing } = this.#app.store.state;
    if (tab !== "inside" || !model) return;
    byId("panel-inside").dataset.view = view;
    for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
    document.querySelector(`#views [value=${view}]`).checked = true;
    byId("inside-words").textContent = this.#views[view].words;
    const wanted = JSON.stringify([model, text]);
    if (text === "") this.#nothing("There is no text yet. Write one, or let the model write, on the first tab.");
    else if (isClassifier(this.#app.models.get(model)))
      this.#nothing("This model labels texts and predicts no tokens. Choose another one above.");
    else if (writing) this.#nothing("The text is being written. Its tokens are shown when it has come to its end.");
    else if (this.#known === wanted) this.#draw();
    else this.#ask({ model, text, top: TOP });
  }

  #nothing(words) {
    this.#ask.cancel();
    this.#known = null;
    this.#tokens = [];
    this.#strip.show([]);
    byId("legend").replaceChildren();
    byId("inside-total").textContent = "";
    for (const view of Object.values(this.#views)) view.clear();
    showNotice(words);
  }

  #arrived(answer, { model, text }) {
    this.#known = JSON.stringify([model, text]);
    this.#tokens = answer.tokens.map((token) => ({ ...token, text: text.slice(token.start, token.end) }));
    this.#strip.show(this.#tokens.map((token) => token.text));
    this.#views.probability.total(answer);
    this.#draw();
  }

  #failed(error) {
    const { message, advice } = explained(error);
    this.#nothing(`${message} ${advice}`.trim());
  }

  #draw() {
    const view = this.#views[this.#app.store.state.view];
    showNotice("");
    byId("legend").replaceChildren(...view.legend.map((words, tint) => swatch(view.scale, words, tint)));
    this.#strip.mark(this.#chosen);
    view.draw(this.#tokens, { chosen: this.#chosen, pointed: this.#pointed });
  }

  /** Show the token that was clicked or gone to, also where the pointer rests on another one. */
  #choose(index) {
    this.#pointed = null;
    this.#app.store.set({ position: index });
  }

  #point(index) {
    if (index === this.#pointed) return;
    this.#pointed = index;
    if (this.#tokens.length) this.#views[this.#app.store.state.view].point(index);
  }
}

function swatch(scale, words, tint) {
  return el(
    "li",
    { class: "swatch", "data-scale": scale },
    el("span", { class: "piece", "data-tint": tint, "aria-hidden": "true" }, "ab"),
    ` ${words}`,
  );
}

function showNotice(words) {
  byId("inside-notice").textContent = words;
  byId("inside-notice").hidden = words === "";
}
