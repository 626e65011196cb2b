// The first steps, shown until they were read once.

import { byId } from "./dom.js";
import { lasting } from "./memory.js";

const NAME = "gptcli-hints";

/** Show the hints at the first visit, and whenever they are asked for. */
export function mountHints() {
  const hints = byId("hints");
  hints.hidden = lasting.get(NAME) === "read";
  byId("hints-close").addEventListener("click", () => {
    lasting.set(NAME, "read");
    hints.hidden = true;
    byId("main").querySelector("[role=tabpanel]:not([hidden]) textarea, [role=option]")?.focus();
  });
  byId("hints-open").addEventListener("click", () => {
    byId("help-dialog").close();
    hints.hidden = false;
    byId("hints-close").focus();
  });
}
