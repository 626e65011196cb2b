// Continue, stop, try again: one continuation goes into the text as it comes, several go side by side.

import { Cards } from "./cards.js";
import { completionBody, continuations } from "./completion.js";
import { byId } from "./dom.js";
import { mayPass, wasAborted } from "./errors.js";
import { counted, rounded } from "./looks.js";
import { clearProblem, showProblem } from "./problem.js";
import { SentenceReader } from "./speech.js";

/** Runs one request for continuations at a time. */
export class Writer {
  #app;
  #controller = null;
  #last = { body: "", whole: false };
  #reader = new SentenceReader();
  #cards;
  #refusal = null; // the last request's error, where the request itself was at fault

  constructor(app) {
    this.#app = app;
    this.#cards = new Cards(app);
    app.store.watch(["text"], ({ writing }) => {
      if (!writing) byId("progress").textContent = ""; // it tells of a text that is another one now
    });
    app.store.watch(["tokens", "settings", "model"], (state) => this.#isTooLong && this.#fits(state) && this.#forgive());
    app.store.watch(["text", "settings", "model"], () => this.#isTooLong || this.#forgive());
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
    const before = { node: journey.settle(), seed: store.state.settings.seed }; // typed in the meantime: a branch
    store.configure({ seed: before.seed + 1 });
    journey.go(parent);
    this.#write(parent, before);
  }

  /** Return the node below which "Try again" writes, or null where there is nothing to try again. */
  get retried() {
    const { journey, store } = this.#app;
    const { parent } = this.#cards;
    const stand = parent !== null && journey.paths.textOf(parent) === store.state.text;
    return stand ? parent : journey.retried;
  }

  /** Return {body, whole} of the last request: what was asked for, as JSON, and whether it came to its end. */
  get last() {
    return this.#last;
  }

  /** Let go of the request; what has come stays. */
  stop() {
    this.#controller?.abort();
  }

  /** Write below a node; where that fails before anything came, what stood there `before` stands there again. */
  async #write(parent, before = null) {
    const { store, api, journey } = this.#app;
    this.#controller = new AbortController();
    const several = store.state.settings.n > 1;
    const target = several ? this.#cards.open(parent) : new InText(this.#app, parent);
    const body = completionBody(store.state);
    const begun = performance.now();
    clearProblem();
    this.#reader.start();
    store.set({ writing: true });
    byId("progress").textContent = "Writing…";
    let tokens = null;
    let failure = null;
    try {
      for await (const piece of continuations(api, body, this.#controller.signal)) {
        if (piece.tokens !== undefined) tokens = piece.tokens;
        else this.#put(target, piece, several);
      }
    } catch (error) {
      failure = error;
    }
    this.#controller = null;
    this.#last = { body: JSON.stringify(body), whole: failure === null };
    this.#reader.end();
    target.close();
    store.set({ writing: false });
    let retry = () => this.start();
    if (before && failure && target.isEmpty) {
      journey.go(before.node);
      store.configure({ seed: before.seed });
      retry = () => this.again();
    }
    byId("progress").textContent = told(target, { tokens, failure, seconds: (performance.now() - begun) / 1000 });
    this.#refusal = failure && !wasAborted(failure) && !mayPass(failure) ? failure : null;
    if (failure) showProblem(failure, retry);
  }

  get #isTooLong() {
    return this.#refusal?.code === "context_length_exceeded";
  }

  /** Return whether the model has room for the text and what is to be added; the last token needs none. */
  #fits({ tokens, settings, model }) {
    return tokens !== null && tokens + settings.max_tokens <= this.#app.models.get(model).context + 1;
  }

  /** Put away what was told of a request that would not be made like that again. */
  #forgive() {
    if (this.#refusal) clearProblem(this.#refusal);
    this.#refusal = null;
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

  get isEmpty() {
    return this.#written === "";
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
