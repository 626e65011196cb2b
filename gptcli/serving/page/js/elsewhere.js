// The same thing as a gptcli command and as a curl request, kept up with what the page shows.

import { classifyBody, classifyParts, missing } from "./classify.js";
import { completionBody } from "./completion.js";
import { copy } from "./copying.js";
import { byId } from "./dom.js";
import { classifyCommand, curl, generateCommand } from "./shell.js";

const COPIED = { command: "Command copied.", curl: "curl copied." };

/** Show both forms for both tabs that do something, and let them be copied. */
export function mountElsewhere(app) {
  const show = () => {
    const { state } = app.store;
    if (state.writing) return;
    const parts = classifyParts(state, app.models);
    const { retried } = app.writer;
    const asked = retried === null ? state : { ...state, text: app.journey.paths.textOf(retried) };
    byId("elsewhere-words").textContent = retried === null ? "Continues this text." : again(asked, app.writer.last);
    byId("command").textContent = generateCommand(asked);
    byId("curl").textContent = curlOf(app, "v1/completions", completionBody(asked));
    const wanted = missing(parts, app.models);
    byId("classify-elsewhere-words").textContent = wanted;
    byId("classify-elsewhere").hidden = wanted !== "";
    byId("classify-command").textContent = classifyCommand(parts);
    byId("classify-curl").textContent = curlOf(app, "v1/classify", classifyBody(parts));
  };
  for (const [id, words] of Object.entries(COPIED)) {
    for (const prefix of ["", "classify-"]) {
      byId(`copy-${prefix}${id}`).addEventListener("click", () => copy(byId(`${prefix}${id}`).textContent, words));
    }
  }
  app.store.watch(["text", "settings", "model", "inputs", "labels", "writing", "tree"], show);
  show();
}

/** Say what the command makes of the last continuation, which other settings may have written, or nobody to its end. */
function again(asked, { body, whole }) {
  if (JSON.stringify(completionBody(asked)) !== body) return "Writes in the place of what the model wrote last.";
  return whole ? "Writes again what the model wrote last." : "Writes to its end what the model began last.";
}

function curlOf({ api, keys }, path, body) {
  return curl(api.address(path), body, { key: keys.key !== null });
}
