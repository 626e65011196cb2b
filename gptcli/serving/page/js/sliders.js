// The settings: a slider for the hand and a number for the exact value, which are always the same.

import { byId, el } from "./dom.js";
import { DEFAULTS, SETTINGS, clamped } from "./settings.js";
import { toast } from "./speech.js";

/** Make the sliders, and keep them and the state's settings the same. */
export function mountSliders({ store }) {
  const fields = Object.entries(SETTINGS).map(([name, setting]) => field(store, name, setting));
  byId("sliders").append(...fields.map(({ element }) => element));
  byId("settings-reset").addEventListener("click", () => store.configure(DEFAULTS));
  const show = ({ settings }) => {
    for (const { name, range, number } of fields) {
      range.value = settings[name];
      if (document.activeElement !== number) number.value = settings[name];
    }
  };
  store.watch(["settings"], show);
  show(store.state);
}

function field(store, name, setting) {
  const id = `setting-${name.replaceAll("_", "-")}`;
  const limits = { min: setting.least, max: setting.most, step: setting.step };
  const words = el("p", { class: "quiet", id: `${id}-words` }, setting.words);
  const range = el("input", { type: "range", id, ...limits, "aria-describedby": words.id });
  const number = el("input", {
    type: "number",
    id: `${id}-number`,
    ...limits,
    min: setting.floor ?? setting.least,
    max: setting.limit,
    step: setting.step === 1 ? 1 : "any",
    "aria-label": `${setting.label}, exact`,
  });
  const take = ({ value }) => store.configure({ [name]: clamped(name, value) });
  range.addEventListener("input", () => take(range));
  number.addEventListener("input", () => number.value !== "" && take(number));
  const settle = () => {
    const kept = store.state.settings[name]; // what became of a value that cannot be
    const typed = number.value;
    if (typed !== "" && Number(typed) !== kept) toast(`${setting.label} cannot be ${typed}: it is ${kept} now.`);
    number.value = kept;
  };
  number.addEventListener("change", settle);
  number.addEventListener("keydown", ({ key }) => key === "Enter" && settle()); // with Ctrl it stays where it is
  const head = el("div", { class: "heading-row" }, el("label", { for: id }, setting.label), number);
  return { name, range, number, element: el("div", { class: "setting" }, head, range, words) };
}
