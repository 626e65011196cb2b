// The tabs: write, look inside, classify. Arrow keys move among them, as ARIA's pattern has it.

import { byId } from "./dom.js";
import { follow, makeStop } from "./roving.js";
import { TABS } from "./state.js";

/** Show the state's tab, and let the tabs choose it. */
export function mountTabs({ store }) {
  const tabs = TABS.map((name) => byId(`tab-${name}`));
  const show = ({ tab }) => {
    TABS.forEach((name, index) => {
      tabs[index].setAttribute("aria-selected", String(name === tab));
      byId(`panel-${name}`).hidden = name !== tab;
    });
    makeStop(tabs, byId(`tab-${tab}`));
    byId("skip").textContent = {
      write: "Skip to the text",
      inside: "Skip to the tokens",
      classify: "Skip to the texts",
    }[tab];
  };
  tabs.forEach((element, index) => {
    element.addEventListener("click", () => store.set({ tab: TABS[index] }));
    element.addEventListener("keydown", (event) => {
      const next = follow(event.key, tabs, index, { forward: ["ArrowRight"], backward: ["ArrowLeft"] });
      if (!next) return;
      event.preventDefault();
      store.set({ tab: TABS[tabs.indexOf(next)] });
      next.focus();
    });
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address's end is the shared state's
    const { tab } = store.state;
    const chosen = byId("tokens").querySelector("[tabindex='0']");
    ({ write: byId("text"), inside: chosen ?? byId("tab-inside"), classify: byId("inputs") })[tab].focus();
  });
  store.watch(["tab"], show);
  show(store.state);
}
