// The end of the address holds the state: it follows the page, and the page follows it.

import { copy } from "./copying.js";
import { byId } from "./dom.js";
import { ApiError } from "./errors.js";
import { clearProblem, showProblem } from "./problem.js";
import { decoded, encoded, looksShared, ShareError } from "./share.js";
import { toast } from "./speech.js";
import { initialState } from "./state.js";

const PAUSE_MILLISECONDS = 400; // browsers take no more than a few changes of the address a second

/** Take up the state that the address holds, if it holds one; whatever is wrong with it is told, and harmless. */
export async function restore({ store, journey }) {
  const hash = location.hash.slice(1);
  if (!looksShared(hash)) return;
  try {
    const { parts, tree } = await decoded(hash);
    journey.restore(tree, parts.text ?? "");
    store.set({ ...fresh(), ...parts });
    clearProblem(); // of a link that was damaged, or of a text that is gone
  } catch (error) {
    if (!(error instanceof ShareError)) throw error;
    showProblem(new ApiError(400, error.message)); // it stays: a link may open in a tab that nobody looks at yet
  }
}

/** Return what a state has that says nothing of it. */
function fresh() {
  const { text, view, tab, position, layer, head, inputs, labels } = initialState();
  return { text, view, tab, position, layer, head, inputs, labels };
}

/** Keep the address up with the state, follow a link that is opened in this tab, and let the button copy it. */
export function mountAddress(app) {
  const { store, journey } = app;
  let timer = 0;
  let written = location.hash;
  const write = async () => {
    const hash = await encoded(store.state, journey.paths);
    written = hash === null ? "" : `#${hash}`;
    history.replaceState(null, "", `${location.pathname}${location.search}${written}`);
    return hash !== null;
  };
  store.watch(
    ["text", "settings", "model", "tab", "view", "position", "layer", "head", "inputs", "labels", "tree"],
    () => {
      clearTimeout(timer);
      if (!store.state.writing) timer = setTimeout(write, PAUSE_MILLISECONDS);
    },
  );
  store.watch(["writing"], ({ writing }) => writing || write());
  addEventListener("hashchange", () => {
    if (location.hash !== written && !store.state.writing) restore(app);
  });
  byId("share").addEventListener("click", async () => {
    clearTimeout(timer);
    if (await write())
      await copy(location.href, "Link copied. Whoever opens it sees what you see, if their server has the model.");
    else toast("The text is too long for a link. Copy the command instead.");
  });
}
