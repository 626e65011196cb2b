// Tell what a person may not see: short notices, and a stream in whole sentences, for screen readers.

import { byId, el } from "./dom.js";

let timer = 0;

/** Show a short notice for a few seconds; screen readers say it. */
export function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => {
    box.classList.remove("shown");
    box.textContent = "";
  }, 4000);
}

/** Hands what is streamed on a sentence at a time: a live region that changed at each token would stutter. */
export class SentenceReader {
  #region = byId("spoken");
  #rest = "";

  /** Begin anew. */
  start() {
    this.#region.replaceChildren();
    this.#rest = "";
  }

  push(text) {
    this.#rest += text;
    const [sentences] = /^[^]*[.!?…\n]["”’']?\s/.exec(this.#rest) ?? [""];
    if (sentences) this.#say(sentences);
  }

  /** Say what is left. */
  end() {
    if (this.#rest.trim()) this.#say(this.#rest);
  }

  #say(text) {
    this.#region.append(el("p", {}, text));
    this.#rest = this.#rest.slice(text.length);
  }
}
