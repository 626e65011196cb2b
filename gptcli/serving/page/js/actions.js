// The buttons below the text, which are there when they can do something.

import { byId } from "./dom.js";

/** Let the buttons work. */
export function mountActions({ store, writer, journey }) {
  const show = ({ writing }) => {
    const leaving = writing && document.activeElement === byId("continue");
    const ending = !writing && document.activeElement === byId("stop");
    byId("continue").hidden = writing;
    byId("stop").hidden = !writing;
    if (leaving) byId("stop").focus(); // a button that vanishes under the focus would take it along
    if (ending) byId("continue").focus();
    byId("retry").disabled = writing || writer.retried === null;
    byId("back").disabled = writing || !journey.canStepBack;
  };
  byId("continue").addEventListener("click", () => writer.start());
  byId("stop").addEventListener("click", () => writer.stop());
  byId("retry").addEventListener("click", () => writer.again());
  byId("back").addEventListener("click", () => journey.stepBack());
  store.watch(["writing", "text", "tree"], show);
  show(store.state);
}
