// The view of probability: how much each token surprised the model, and what it expected instead.

import { byId, el, setShare } from "./dom.js";
import { PROBABILITY_STEPS, counted, percent, rounded, spoken, surpriseTint, visible } from "./looks.js";

const MOST_SURPRISING = 5;

/** Tints tokens by their probability, and tells of one what is known. */
export class SurpriseView {
  scale = "surprise";
  words =
    "The stronger the colour, the less the model expected the token where it stands. The text is read behind the " +
    "model’s beginning-of-text token, where it has one; Next token reads it without, so the two differ.";
  legend = [...PROBABILITY_STEPS.map((least) => `${rounded(100 * least)} % or more`), "less"];
  #app;
  #strip;
  #tokens = [];
  #chosen = 0;

  constructor({ app, strip }) {
    this.#app = app;
    this.#strip = strip;
  }

  /** Say what the whole text costs. */
  total({ tokens, bits, bits_per_byte }) {
    const figures = [`${counted(tokens.length)} token${tokens.length === 1 ? "" : "s"}`, `${rounded(bits, 1)} bits`];
    if (bits_per_byte !== null) figures.push(`${bits_per_byte.toFixed(2)} bits per byte`);
    byId("inside-total").textContent = `${figures.join(" · ")}.`;
  }

  draw(tokens, { chosen, pointed }) {
    this.#tokens = tokens;
    this.#strip.tint(this.scale, tokens.map(tintOf), tokens.map(labelOf));
    this.#chosen = chosen;
    this.point(pointed);
  }

  /** Tell of the token under the pointer, or else of the chosen one. */
  point(index) {
    const token = this.#tokens[index ?? this.#chosen];
    if (token) byId("details").replaceChildren(...this.#details(token), ...this.#surprises());
  }

  clear() {
    byId("details").replaceChildren();
  }

  #details(token) {
    const title = el("p", { class: "big" }, el("bdi", {}, visible(token.text || token.token)));
    if (token.logprob === null)
      return [title, el("p", { class: "quiet" }, "The first token: nothing stands before it to predict it.")];
    const probability = Math.exp(token.logprob);
    const facts = [
      ["Probability", percent(probability)],
      ["Rank", counted(token.rank)],
      ["Surprise", `${rounded(token.bits, 1)} bits`],
      ["Uncertainty before it", `${rounded(token.entropy_bits, 1)} bits`],
    ];
    const list = el(
      "dl",
      { class: "facts" },
      ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    );
    return [
      title,
      list,
      el("h3", {}, "What it expected here"),
      el("ol", { class: "alternatives" }, ...token.top.map((other) => this.#other(token, other))),
    ];
  }

  #other(token, other) {
    const probability = Math.exp(other.logprob);
    const raw = el("span", { class: "kept" });
    setShare(raw, probability);
    const label = `Go on with ${spoken(other.token)} instead, probability ${percent(probability)}`;
    const parts = [
      el("bdi", { class: "token" }, visible(other.token)),
      el("span", { class: "track" }, raw),
      el("span", { class: "number" }, percent(probability)),
    ];
    const takes = other.id !== token.id && !other.token.includes("\uFFFD");
    const attributes = {
      type: "button",
      class: "bar",
      "aria-label": label,
      title: label,
      onclick: () => this.#instead(token, other),
    };
    return el(
      "li",
      { class: takes ? null : "same" },
      takes
        ? el("button", attributes, ...parts)
        : el("span", { class: "bar", title: "This is what stands here" }, ...parts),
    );
  }

  #instead(token, other) {
    const { store, journey } = this.#app;
    journey.branchAt(store.state.text.slice(0, token.start), {
      text: other.token,
      probability: Math.exp(other.logprob),
    });
    store.set({ tab: "write" });
    byId("text").focus();
  }

  #surprises() {
    const known = this.#tokens.map((token, index) => ({ ...token, index })).filter(({ logprob }) => logprob !== null);
    const most = known.sort((one, other) => one.logprob - other.logprob).slice(0, MOST_SURPRISING);
    if (most.length < 2) return [];
    const items = most.map(({ text, token, bits, index }) => {
      const go = () => this.#app.store.set({ position: index });
      return el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "chip", onclick: go },
          el("bdi", {}, visible(text || token)),
          ` ${rounded(bits, 1)} bits`,
        ),
      );
    });
    return [el("h3", {}, "Most surprising here"), el("ol", { class: "chips" }, ...items)];
  }
}

function tintOf({ logprob }) {
  return logprob === null ? 0 : surpriseTint(Math.exp(logprob));
}

function labelOf({ text, token, logprob, rank }) {
  const name = spoken(text || token);
  return logprob === null ? `${name}, first` : `${name}, probability ${percent(Math.exp(logprob))}, rank ${rank}`;
}
