// Which models the server has, and the choice among them.

import { byId, el } from "./dom.js";
import { toast } from "./speech.js";

/** Return the models that are served, by their ids. */
export async function loadModels(api) {
  const { data } = await api.json("v1/models");
  return new Map(data.map((model) => [model.id, model]));
}

/** Return whether a model labels texts, and so cannot write. */
export function isClassifier(model) {
  return model?.kind === "classifier";
}

/** Fill the list, and keep the state's model one that is there. */
export function mountModels({ store, models }) {
  const select = byId("model");
  const names = [...models.keys()];
  select.replaceChildren(...[...models.values()].map((model) => el("option", { value: model.id }, named(model))));
  select.disabled = names.length < 2;
  select.addEventListener("change", () => store.set({ model: select.value }));
  const show = ({ model }) => {
    if (!models.has(model)) {
      if (model !== null) toast(`This server has no model “${model}”: ${names[0]} takes its place.`);
      store.set({ model: names[0] });
      return;
    }
    select.value = model;
    select.title = `${models.get(model).context ?? "?"} tokens of context`;
    if (isClassifier(models.get(model)) && store.state.tab !== "classify") store.set({ tab: "classify" });
  };
  store.watch(["model"], show);
  show(store.state);
  store.watch(["model", "settings"], (state) => bound(store, state, models.get(state.model)));
  bound(store, store.state, models.get(store.state.model));
}

/** Keep the length within what the model can hold. */
function bound(store, { settings }, { context }) {
  if (context && settings.max_tokens > context) store.configure({ max_tokens: context });
}

function named(model) {
  return isClassifier(model) ? `${model.id} (labels texts)` : model.id;
}
