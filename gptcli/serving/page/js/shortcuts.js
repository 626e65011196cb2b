// What keys do. Those without Ctrl work outside of text fields only, and can be turned off (WCAG 2.1.4).

import { byId, el, isTyping } from "./dom.js";
import { lasting } from "./memory.js";

const NAME = "gptcli-single-keys";

const WORDS = [
  ["Ctrl+Enter", "Continue the text; classify the texts"],
  ["Esc", "Stop writing; from the text, go to the bars"],
  ["1 … 9, 0", "Take the first … ninth, tenth next token"],
  ["Backspace", "Step back"],
  ["r", "Try again"],
  ["e", "Edit the text"],
  ["w  i  c", "Write, Look inside, Classify"],
  ["?", "These keys"],
  ["Arrows", "Move among bars, tabs, tokens and paths; Enter chooses"],
];

/** Let the keys work and the dialog tell of them. */
export function mountShortcuts(app) {
  const single = byId("single-keys");
  single.checked = lasting.get(NAME) !== "off";
  single.addEventListener("change", () => lasting.set(NAME, single.checked ? "on" : "off"));
  byId("keys").append(
    ...WORDS.map(([keys, words]) => el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, keys)), el("td", {}, words))),
  );
  byId("help").addEventListener("click", () => byId("help-dialog").showModal());
  byId("help-close").addEventListener("click", () => byId("help-dialog").close());
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (withControl(app, event) || (single.checked && alone(app, event))) event.preventDefault();
  });
}

/** Return whether a key that works everywhere did something. */
function withControl({ store, writer, classify }, event) {
  const { tab, writing } = store.state;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (tab === "write") writer.start();
    if (tab === "classify") classify.start();
    return tab !== "inside";
  }
  if (event.key !== "Escape") return false;
  if (writing) writer.stop();
  else if (event.target === byId("text")) byId("bars").querySelector("[tabindex='0']")?.focus();
  else return false;
  return true;
}

/** Return whether a key that works outside of text fields did something. */
function alone(app, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return false;
  const { store, writer, journey, next } = app;
  const { tab, writing } = store.state;
  const go = (wanted) => () => store.set({ tab: wanted });
  const anywhere = { "?": () => byId("help-dialog").showModal(), w: go("write"), i: go("inside"), c: go("classify") };
  const writes = { Backspace: () => journey.stepBack(), r: () => writer.again(), e: () => byId("text").focus() };
  const act = anywhere[event.key] ?? (tab === "write" && !writing ? writes[event.key] : undefined);
  if (act) act();
  else if (tab === "write" && !writing && /^\d$/.test(event.key)) next.take((Number(event.key) + 9) % 10);
  else return false;
  return true;
}
