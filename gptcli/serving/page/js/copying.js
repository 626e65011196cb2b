// Put a text on the clipboard, or, where the browser forbids that (plain http from elsewhere), show it to be copied.

import { byId } from "./dom.js";
import { toast } from "./speech.js";

/** Copy a text, and say so with these words. */
export async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    toast(words);
  } catch {
    const field = byId("copy-text");
    field.value = text;
    byId("copy-dialog").showModal();
    field.select();
  }
}

/** Let the dialog be closed. */
export function mountCopying() {
  byId("copy-close").addEventListener("click", () => byId("copy-dialog").close());
}
