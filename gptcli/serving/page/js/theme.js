// The button that turns the colours: as the system has them, light, dark.

import { byId } from "./dom.js";
import { lasting } from "./memory.js";

const ORDER = ["automatic", "light", "dark"];
const SIGNS = { automatic: "◐", light: "☀", dark: "☾" };
const NAME = "gptcli-theme";

/** Let the button work; `changed` is called whenever the colours are different ones, the system's changes included. */
export function mountTheme(changed) {
  const button = byId("theme");
  const show = (theme) => {
    button.setAttribute("aria-label", `Colours: ${theme}`);
    button.title = `Colours: ${theme}`;
    button.firstElementChild.textContent = SIGNS[theme];
    if (theme === "automatic") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  button.addEventListener("click", () => {
    const theme = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
    if (theme === "automatic") lasting.remove(NAME);
    else lasting.set(NAME, theme);
    show(theme);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show(chosen());
}

function chosen() {
  const saved = lasting.get(NAME);
  return ORDER.includes(saved) ? saved : "automatic";
}
