// The ten likeliest next tokens as bars: what the model thinks, and what the settings keep of it.

import { byId, el, setShare } from "./dom.js";
import { clearCount, showCount } from "./editor.js";
import { ApiError, explained } from "./errors.js";
import { latest } from "./latest.js";
import { counted, percent, rounded, spoken, visible } from "./looks.js";
import { isClassifier } from "./models.js";
import { follow, makeStop } from "./roving.js";
import { drawing } from "./settings.js";

const TOP = 10;
const PAUSE_MILLISECONDS = 150;

/** The bars, always for the text and the settings as they are. */
export class NextTokens {
  #app;
  #bars = Array.from({ length: TOP }, (_, index) => bar(index));
  #candidates = [];
  #ask;

  constructor(app) {
    this.#app = app;
    this.#ask = latest({
      milliseconds: PAUSE_MILLISECONDS,
      work: (signal, body) => app.api.json("v1/next", { body, signal, byItself: true }),
      done: (answer) => this.#show(answer),
      failed: (error) => this.#failed(error),
    });
    byId("bars").append(...this.#bars.map(({ item }) => item));
    this.#bars.forEach(({ button }, index) => button.addEventListener("click", () => this.take(index)));
    byId("bars").addEventListener("keydown", (event) => this.#moved(event));
    makeStop(this.#buttons, this.#buttons[0]);
    app.store.watch(["text", "settings", "model", "writing", "tab"], (state, before) => this.#changed(state, before));
    this.#refresh();
  }

  /** Add the candidate of this rank, from 0, to the text; nothing happens where it cannot be written as text. */
  take(index) {
    const candidate = this.#candidates[index];
    if (!candidate || this.#app.store.state.writing || !writable(candidate)) return;
    this.#candidates = []; // a second press before the answer would take a token of the text before
    this.#app.journey.take({ text: candidate.text, probability: candidate.probability });
  }

  get #buttons() {
    return this.#bars.map(({ button }) => button);
  }

  #changed(state, before) {
    const drawn = JSON.stringify(drawing(state.settings)) !== JSON.stringify(drawing(before.settings));
    const names = ["text", "model", "writing", "tab"];
    if (drawn || names.some((name) => state[name] !== before[name])) this.#refresh();
  }

  #refresh() {
    const { text, settings, model, writing, tab } = this.#app.store.state;
    this.#ask.cancel();
    if (isClassifier(this.#app.models.get(model)))
      this.#failed(new ApiError(400, "This model labels texts and predicts no tokens."));
    else if (!writing && tab === "write" && model) this.#wanted({ model, text, top: TOP, ...drawing(settings) });
  }

  #wanted(body) {
    byId("next").setAttribute("aria-busy", "true");
    this.#app.store.set({ tokens: null });
    this.#ask(body);
  }

  #show({ tokens, dropped, candidates, kept, entropy_bits }) {
    const { store, models } = this.#app;
    const model = models.get(store.state.model);
    store.set({ tokens: tokens + dropped });
    if (dropped) {
      this.#failed(new ApiError(400, "The text is longer than the model reads: nothing can come next."));
      showCount(tokens + dropped, model.context);
      return;
    }
    this.#candidates = candidates;
    byId("next").setAttribute("aria-busy", "false");
    const draw =
      kept === 1 ? "Always takes the first" : `Draws from ${counted(kept)} of ${counted(model.vocabulary)} tokens`;
    byId("next-summary").textContent =
      `${draw}. Uncertainty ${rounded(entropy_bits, 1)} bits, as among ${counted(Math.round(2 ** entropy_bits))} equal choices.`;
    if (store.state.text === "")
      clearCount(); // what is read then is a mark for the beginning
    else showCount(tokens, model.context);
    const most = Math.max(...candidates.flatMap((each) => [each.probability, each.kept_probability]), 1e-9);
    this.#bars.forEach((each, index) => fill(each, candidates[index], most));
    const stop = this.#buttons.find((button) => button.tabIndex === 0 && !button.parentElement.hidden);
    makeStop(this.#buttons, stop ?? this.#buttons[0]);
  }

  #failed(error) {
    const { message, advice } = explained(error);
    this.#candidates = [];
    byId("next").setAttribute("aria-busy", "false");
    byId("next-summary").textContent = `${message} ${advice}`.trim();
    clearCount();
    for (const { item } of this.#bars) item.hidden = true;
  }

  #moved(event) {
    const shown = this.#buttons.slice(0, this.#candidates.length);
    const at = shown.indexOf(document.activeElement);
    const next = follow(event.key, shown, at, { forward: ["ArrowDown"], backward: ["ArrowUp"] });
    if (at < 0 || !next) return;
    event.preventDefault();
    makeStop(this.#buttons, next);
    next.focus();
  }
}

function bar(index) {
  const digit = el("span", { class: "digit", "aria-hidden": "true" }, String((index + 1) % 10));
  const token = el("bdi", { class: "token" });
  const kept = el("span", { class: "kept" });
  const raw = el("span", { class: "raw" });
  const track = el("span", { class: "track", "aria-hidden": "true" }, kept, raw);
  const number = el("span", { class: "number" });
  const button = el("button", { type: "button", class: "bar" }, digit, token, track, number);
  return { item: el("li", { hidden: true }, button), button, token, kept, raw, number };
}

function fill({ item, button, token, kept, raw, number }, candidate, most) {
  item.hidden = !candidate;
  if (!candidate) return;
  const { text, probability, kept_probability } = candidate;
  const dropped = kept_probability === 0;
  const shown = writable(candidate) ? text : candidate.token; // parts of a character are told apart by their bytes
  token.textContent = visible(shown);
  number.textContent = percent(dropped ? probability : kept_probability);
  setShare(raw, probability / most);
  setShare(kept, kept_probability / most);
  button.classList.toggle("dropped", dropped);
  button.setAttribute("aria-disabled", String(!writable(candidate)));
  const fate = dropped ? "dropped by the settings" : `drawn with ${percent(kept_probability)}`;
  const why = writable(candidate) ? "" : ", cannot be written by itself";
  button.setAttribute("aria-label", `${spoken(shown)}: probability ${percent(probability)}, ${fate}${why}`);
  button.title = `${JSON.stringify(shown)} · probability ${percent(probability)} · ${fate}${why}`;
}

/** Return whether a candidate is text: a part of a character is not, nor is the end of the text. */
function writable({ text }) {
  return text !== "" && !text.includes("\uFFFD");
}
