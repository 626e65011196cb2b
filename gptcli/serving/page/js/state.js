// What the page shows, as one plain object, and who wants to know when a part of it changes.

import { DEFAULTS, clamped } from "./settings.js";

export const TABS = ["write", "inside", "classify"];
export const VIEWS = ["probability", "attention", "layers"];

/** Return the state of a page that was never used. */
export function initialState() {
  return {
    model: null, // the id of one of the models served; null until they are known
    tab: "write",
    text: "",
    tokens: null, // how many the text has; null while nobody knows
    settings: { ...DEFAULTS },
    view: "probability",
    position: null, // the chosen token's number, on the tab that looks inside
    layer: 0,
    head: 0,
    inputs: "", // the texts to classify, one a line
    labels: "",
    writing: false,
    tree: 0, // counts the changes of the paths, which change in place
  };
}

/** Return a text as a text area keeps it, with what is half a character replaced. */
export function normalized(text) {
  return text.replace(/\r\n?/g, "\n").toWellFormed();
}

/** Return the parts of a state that can be used as they are; whatever is of the wrong kind is left out. */
export function sanitized(raw) {
  const parts = {};
  const whole = (name) => {
    if (Number.isInteger(raw[name]) && raw[name] >= 0 && raw[name] < 1e6) parts[name] = raw[name];
  };
  const oneOf = (name, allowed) => {
    if (allowed.includes(raw[name])) parts[name] = raw[name];
  };
  for (const name of ["text", "inputs", "labels"]) {
    if (typeof raw[name] === "string") parts[name] = normalized(raw[name]);
  }
  if (typeof raw.model === "string") parts.model = raw.model;
  oneOf("tab", TABS);
  oneOf("view", VIEWS);
  ["position", "layer", "head"].forEach(whole);
  const settings = raw.settings && typeof raw.settings === "object" ? raw.settings : {};
  parts.settings = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, clamped(name, settings[name])]));
  return parts;
}

/** Holds a state, and calls back those who asked for the parts that a change touched. */
export class Store {
  #state;
  #watchers = [];

  constructor(state) {
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  /** Change some parts, and tell whoever watches one that is different now. */
  set(parts) {
    const before = this.#state;
    const changed = Object.keys(parts).filter((name) => !Object.is(before[name], parts[name]));
    if (!changed.length) return;
    this.#state = { ...before, ...parts };
    for (const { names, react } of this.#watchers) {
      if (names.some((name) => changed.includes(name))) react(this.#state, before);
    }
  }

  /** Change some of the settings. */
  configure(settings) {
    this.set({ settings: { ...this.#state.settings, ...settings } });
  }

  /** Call react(state, before) after each change of one of these parts. */
  watch(names, react) {
    this.#watchers.push({ names, react });
  }
}
