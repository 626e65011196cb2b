// Put the page together: the state, the server, and each part of the page around them.

import { mountActions } from "./actions.js";
import { mountAddress, restore } from "./address.js";
import { Api } from "./api.js";
import { Classify } from "./classify.js";
import { mountCopying } from "./copying.js";
import { mountEditor } from "./editor.js";
import { mountElsewhere } from "./elsewhere.js";
import { mountHints } from "./hints.js";
import { Inside } from "./inside.js";
import { Journey } from "./journey.js";
import { Keys } from "./keys.js";
import { loadModels, mountModels } from "./models.js";
import { NextTokens } from "./next.js";
import { Paths } from "./paths.js";
import { mountProblem, showProblem } from "./problem.js";
import { mountShortcuts } from "./shortcuts.js";
import { mountSliders } from "./sliders.js";
import { initialState, Store } from "./state.js";
import { mountTabs } from "./tabs.js";
import { mountTheme } from "./theme.js";
import { PathTree } from "./tree.js";
import { Writer } from "./writer.js";

const repaints = [];

async function start() {
  mountTheme(() => repaints.forEach((repaint) => repaint()));
  mountProblem();
  mountCopying();
  mountHints();
  const keys = new Keys();
  const store = new Store(initialState());
  const app = {
    store,
    keys,
    api: new Api(keys),
    journey: new Journey(store, new Paths()),
    onColours: (repaint) => repaints.push(repaint),
  };
  mountTabs(app);
  mountEditor(app);
  mountSliders(app);
  await restore(app);
  await meetServer(app);
}

/** Load the models, and then all that needs to know them. */
async function meetServer(app) {
  try {
    app.models = await loadModels(app.api);
  } catch (error) {
    showProblem(error, () => meetServer(app));
    return;
  }
  mountModels(app);
  app.writer = new Writer(app);
  app.next = new NextTokens(app);
  app.classify = new Classify(app);
  app.inside = new Inside(app);
  app.tree = new PathTree(app);
  mountActions(app);
  mountElsewhere(app);
  mountAddress(app);
  mountShortcuts(app);
  document.documentElement.dataset.ready = "true"; // for tests: everything answers from here on
}

start().catch((error) => showProblem(error));
