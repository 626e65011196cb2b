// Move through the paths: take a token, keep what was written, step back, go anywhere, all without losing a branch.

import { Paths } from "./paths.js";

/** Ties the text that is shown to its node in the tree of paths. */
export class Journey {
  #store;
  #paths;

  constructor(store, paths) {
    this.#store = store;
    this.#paths = paths;
  }

  get paths() {
    return this.#paths;
  }

  /** Return the node of the text as it is now, typed over or not. */
  settle() {
    const id = this.#paths.settle(this.#store.state.text);
    this.#told();
    return id;
  }

  /** Add a token to the text. */
  take({ text, probability }) {
    const parent = this.settle();
    this.go(this.#paths.branch(parent, { text, kind: "token", probability }));
  }

  /** Add a token to a beginning of the text, in the place of what stands there. */
  branchAt(beginning, { text, probability }) {
    this.settle();
    this.go(this.#paths.branch(this.#paths.cut(beginning), { text, kind: "token", probability }));
  }

  /** Keep what the model wrote below a node; `show` makes it the text. Return its node. */
  keep(parent, text, { show }) {
    const id = this.#paths.branch(parent, { text, kind: "generated" });
    if (show) this.go(id);
    else this.#told();
    return id;
  }

  /** Return whether there is a step to undo: what was typed first is none. */
  get canStepBack() {
    const { text } = this.#store.state;
    const trail = this.#paths.trail(this.#paths.nearest(text));
    const steps = trail.length + (this.#paths.textOf(trail.at(-1) ?? 0) === text ? 0 : 1);
    return steps > 1 || (trail.length === 1 && this.#paths.node(trail[0]).kind !== "typed");
  }

  /** Undo the last step, which stays in the tree. */
  stepBack() {
    if (!this.canStepBack) return;
    const id = this.settle();
    this.go(this.#paths.node(id).parent);
  }

  /** Return the node below which the model wrote the text's end, or null where it did not. */
  get retried() {
    const { current } = this.#paths;
    const written = this.#paths.node(current).kind === "generated";
    return written && this.#paths.textOf(current) === this.#store.state.text ? this.#paths.node(current).parent : null;
  }

  /** Show the text of a node. */
  go(id) {
    this.#paths.go(id);
    this.#store.set({ text: this.#paths.textOf(id) });
    this.#told();
  }

  /** Forget all paths but the text. */
  clear() {
    this.#paths = new Paths();
    this.settle();
  }

  /** Become a shared tree, where it leads to the shared text; any other is left out. */
  restore(tree, text) {
    const paths = new Paths();
    try {
      paths.restore(tree);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    this.#paths = paths.textOf(paths.current) === text || paths.nearest(text) ? paths : new Paths();
    this.#told();
  }

  /** Return the stretches of the text by who wrote them: [{text, model}]. */
  stretches() {
    const { text, writing } = this.#store.state;
    const trail = this.#paths.trail(this.#paths.nearest(text));
    const known = trail.map((id) => {
      const node = this.#paths.node(id);
      return { text: node.text, model: node.kind !== "typed" };
    });
    const length = known.reduce((sum, stretch) => sum + stretch.text.length, 0);
    return [...known, { text: text.slice(length), model: writing }].filter((stretch) => stretch.text);
  }

  #told() {
    this.#store.set({ tree: this.#store.state.tree + 1 });
  }
}
