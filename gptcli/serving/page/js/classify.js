// The tab that labels texts: by a model tuned for it, or by labels in words that any model is asked for.

import { byId, el, setShare } from "./dom.js";
import { explained, wasAborted } from "./errors.js";
import { percent, rounded, shortened } from "./looks.js";
import { isClassifier } from "./models.js";

const MOST_BARS = 10;

/** Return the texts and labels of the state, without what is empty. */
export function classifyParts({ inputs, labels, model }, models) {
  const texts = inputs.split("\n").filter((line) => line.trim());
  const names = labels.split(",").map((label) => label.trim());
  return { model, texts, labels: isClassifier(models.get(model)) ? [] : names.filter(Boolean) };
}

/** Return what is still to be given before texts can be labelled, in words; nothing where all is there. */
export function missing({ texts, labels, model }, models) {
  if (!texts.length) return "Write a text first.";
  return isClassifier(models.get(model)) || labels.length > 1 ? "" : "Give two labels or more to choose from.";
}

/** Return the body of /v1/classify. */
export function classifyBody({ model, texts, labels }) {
  return { model, input: texts, ...(labels.length ? { labels } : {}) };
}

/** Sends the texts, and shows a verdict for each. */
export class Classify {
  #app;
  #controller = null;

  constructor(app) {
    this.#app = app;
    for (const name of ["inputs", "labels"]) {
      byId(name).addEventListener("input", ({ target }) => app.store.set({ [name]: target.value.toWellFormed() }));
    }
    byId("classify").addEventListener("click", () => this.start());
    app.store.watch(["inputs", "labels", "model"], () => this.#fill());
    this.#fill();
  }

  /** Ask for the labels; a question that is still open is let go of. */
  async start() {
    const parts = classifyParts(this.#app.store.state, this.#app.models);
    const wanted = missing(parts, this.#app.models);
    if (wanted) return this.#say(wanted);
    this.#controller?.abort();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#say("Reading…");
    try {
      const { data } = await this.#app.api.json("v1/classify", { body: classifyBody(parts), signal });
      byId("verdicts").replaceChildren(...data.map((verdict) => row(parts.texts[verdict.index], verdict)));
      this.#say(`${data.length} text${data.length === 1 ? "" : "s"} labelled.`);
    } catch (error) {
      if (wasAborted(error)) return undefined;
      const { message, advice } = explained(error);
      byId("verdicts").replaceChildren();
      this.#say(`${message} ${advice}`.trim());
    }
    return undefined;
  }

  #fill() {
    const { inputs, labels, model } = this.#app.store.state;
    if (byId("inputs").value !== inputs) byId("inputs").value = inputs;
    if (byId("labels").value !== labels) byId("labels").value = labels;
    const chosen = this.#app.models.get(model);
    byId("labels-field").hidden = isClassifier(chosen);
    byId("classify-words").textContent = described(chosen);
  }

  #say(words) {
    byId("classify-status").textContent = words;
  }
}

function described({ id, kind, labels, label_kind }) {
  if (label_kind === "regression") return `${id} was tuned to give a number.`;
  if (kind === "classifier") return `${id} was tuned to tell these apart: ${labels.join(", ")}.`;
  return (
    "This model was not tuned on labels. It is asked how likely each of yours is behind the text, " +
    "which a small model knows no more than roughly."
  );
}

function row(text, { label, labels, value, probabilities }) {
  const sorted = Object.entries(probabilities ?? {}).sort(([, one], [, other]) => other - one);
  const bars = sorted.slice(0, MOST_BARS).map(([name, probability]) => {
    const kept = el("span", { class: "kept" });
    setShare(kept, probability);
    const parts = [
      el("bdi", { class: "token" }, name),
      el("span", { class: "track", "aria-hidden": "true" }, kept),
      el("span", { class: "number" }, percent(probability)),
    ];
    return el("li", {}, el("span", { class: "bar" }, ...parts));
  });
  const told = value === null ? (label ?? (labels.join(", ") || "none of them")) : rounded(value, 3);
  return el(
    "article",
    { class: "card" },
    el("p", { class: "written" }, shortened(text ?? "", 300)),
    el("p", { class: "verdict" }, el("strong", {}, told)),
    el("ol", { class: "bars" }, ...bars),
  );
}
