// Continue, stop, try again: one continuation goes into the text as it comes, several go side by side.

import { Cards } from "./cards.js";
import { completionBody, continuations } from "./completion.js";
import { byId } from "./dom.js";
import { wasAborted } from "./errors.js";
import { counted, rounded } from "./looks.js";
import { clearProblem, showProblem } from "./problem.js";
import { SentenceReader } from "./speech.js";

/** Runs one request for continuations at a time. */
export class Writer {
  #app;
  #controller = null;
  #reader = new SentenceReader();
  #cards;

  constructor(app) {
    this.#app = app;
    this.#cards = new Cards(app);
  }

  get writing() {
    return this.#controller !== null;
  }

  /** Continue the text. */
  start() {
    if (!this.writing) this.#write(this.#app.journey.settle());
  }

  /** Write another end in the place of the last one, with the next seed. */
  again() {
    const { store, journey } = this.#app;
    const parent = this.retried;
    if (this.writing || parent === null) return;
    journey.settle(); // what was typed in the meantime stays as a branch
    store.configure({ seed: store.state.settings.seed + 1 });
    journey.go(parent);
    this.#write(parent);
  }

  /** Return the node below which "Try again" writes, or null where there is nothing to try again. */
  get retried() {
    const { journey, store } = this.#app;
    const { parent } = this.#cards;
    const stand = parent !== null && journey.paths.textOf(parent) === store.state.text;
    return stand ? parent : journey.retried;
  }

  /** Let go of the request; what has come stays. */
  stop() {
    this.#controller?.abort();
  }

  async #write(parent) {
    const { store, api } = this.#app;
    this.#controller = new AbortController();
    const several = store.state.settings.n > 1;
    const target = several ? this.#cards.open(parent) : new InText(this.#app, parent);
    const begun = performance.now();
    clearProblem();
    this.#reader.start();
    store.set({ writing: true });
    byId("progress").textContent = "Writing…";
    let tokens = null;
    let failure = null;
    try {
      for await (const piece of continuations(api, completionBody(store.state), this.#controller.signal)) {
        if (piece.tokens !== undefined) tokens = piece.tokens;
        else this.#put(target, piece, several);
      }
    } catch (error) {
      failure = error;
    }
    this.#controller = null;
    this.#reader.end();
    target.close();
    store.set({ writing: false });
    byId("progress").textContent = told(target, { tokens, failure, seconds: (performance.now() - begun) / 1000 });
    if (failure) showProblem(failure, () => this.start());
  }

  #put(target, piece, several) {
    target.put(piece);
    if (!several || piece.index === 0) this.#reader.push(piece.text);
  }
}

/** One continuation that grows in the text itself. */
class InText {
  #app;
  #parent;
  #before;
  #written = "";
  ended = null;

  constructor(app, parent) {
    this.#app = app;
    this.#parent = parent;
    this.#before = app.store.state.text;
  }

  put({ text, ended }) {
    this.#written += text;
    this.ended = ended ?? this.ended;
    this.#app.store.set({ text: this.#before + this.#written });
  }

  close() {
    this.#app.journey.keep(this.#parent, this.#written.toWellFormed(), { show: true });
  }
}

function told(target, { tokens, failure, seconds }) {
  if (failure) return wasAborted(failure) ? "Stopped." : "";
  const count = tokens === null ? "" : `${counted(tokens)} tokens in ${rounded(seconds, 1)} s.`;
  return target.ended === "stop" ? `${count} The model ended the text here.`.trim() : count || "Done.";
}
