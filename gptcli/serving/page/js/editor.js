// The text area, with a mirror below it that grows with the text and marks what the model wrote.

import { byId, el } from "./dom.js";
import { counted } from "./looks.js";

const STARTS = ["Once upon a time", "The old house by the sea", "“Who is there?” said the"];

/** Keep the text area and the state's text the same. */
export function mountEditor({ store, journey }) {
  const area = byId("text");
  const mirror = byId("mirror");
  const show = ({ text, writing }) => {
    if (area.value !== text) area.value = text;
    area.readOnly = writing;
    const pieces = journey.stretches().map((piece) => (piece.model ? el("mark", {}, piece.text) : piece.text));
    mirror.replaceChildren(...pieces, "\u200B"); // a last line that is empty needs something to be as high as a line
    byId("starts").hidden = writing || text !== "";
    if (writing) byId("editor").scrollTop = byId("editor").scrollHeight;
  };
  area.addEventListener("input", () => store.set({ text: area.value.toWellFormed() }));
  byId("starts").append(
    ...STARTS.map((start) => {
      const choose = () => {
        store.set({ text: start });
        area.focus();
      };
      return el("button", { type: "button", class: "chip", onclick: choose }, start);
    }),
  );
  store.watch(["text", "writing", "tree"], show);
  show(store.state);
}

/** Say how much of the model's context the text takes, and what to do where it takes more. */
export function showCount(tokens, context) {
  const line = byId("text-count");
  const excess = tokens > context ? `: ${counted(tokens - context)} too many for this model, shorten the text` : "";
  line.classList.toggle("warning", tokens >= context);
  line.textContent = `${counted(tokens)} of ${counted(context)} tokens${excess}`;
}

/** Say nothing of it, where nobody knows. */
export function clearCount() {
  byId("text-count").textContent = "";
}
