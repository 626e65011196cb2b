// The paths that were tried, as a tree: each node adds a piece of text, and what was left behind stays as a branch.

import { normalized } from "./state.js";

/** How a piece of text came about. */
export const KINDS = ["typed", "token", "generated"];

/** Nodes that a shared tree may have; a hostile one could be made to keep the page busy for long. */
export const MOST_SHARED = 2000;

/** A tree of texts. Node 0 is the empty text; all others have a parent. */
export class Paths {
  #nodes = [emptyText()];
  #current = 0;

  /** Return the number of the node whose text is being shown. */
  get current() {
    return this.#current;
  }

  /** Return how many nodes there are, the empty text included. */
  get size() {
    return this.#nodes.length;
  }

  node(id) {
    return this.#nodes[id];
  }

  children(id) {
    return this.#nodes[id].children;
  }

  /** Return the nodes from the first below the empty text to this one. */
  trail(id) {
    const trail = [];
    for (let at = id; at > 0; at = this.#nodes[at].parent) trail.unshift(at);
    return trail;
  }

  /** Return the whole text that ends with this node. */
  textOf(id) {
    return this.trail(id)
      .map((step) => this.#nodes[step].text)
      .join("");
  }

  go(id) {
    if (!this.#nodes[id]) throw new RangeError(`there is no node ${id}`);
    this.#current = id;
  }

  /** Return the node below `parent` that adds this text: the one that does already, or a new one. */
  branch(parent, { text, kind, probability = null }) {
    if (text === "") return parent;
    const same = this.children(parent).find((id) => this.#nodes[id].text === text);
    if (same !== undefined) return same;
    const id = this.#nodes.push({ parent, text, kind, probability, children: [] }) - 1;
    this.#nodes[parent].children.push(id);
    return id;
  }

  /** Return the node whose text is the longest beginning of this one; the current node is preferred among equals. */
  nearest(text) {
    if (text.startsWith(this.textOf(this.#current)) && this.#current) return this.#deepest(this.#current, text);
    return this.#deepest(0, text);
  }

  /** Make this text, however it was edited, the current node's, and return that node. */
  settle(text) {
    const nearest = this.nearest(text);
    const rest = text.slice(this.textOf(nearest).length);
    this.#current = this.branch(nearest, { text: rest, kind: "typed" });
    return this.#current;
  }

  /** Return the node whose text is exactly this one; a node that it ends within is cut in two. */
  cut(text) {
    const nearest = this.nearest(text);
    const rest = text.slice(this.textOf(nearest).length);
    const within = this.children(nearest).find((id) => rest && this.#nodes[id].text.startsWith(rest));
    return within === undefined
      ? this.branch(nearest, { text: rest, kind: "typed" })
      : this.#split(within, rest.length);
  }

  /** Return {rows, current}, all that there is to a tree in plain lists: a row is [parent, text, kind, probability]. */
  toPlain() {
    const order = [0];
    for (const id of order) order.push(...this.#nodes[id].children); // grows as it is read: parents come first
    const places = new Map(order.map((id, place) => [id, place]));
    const rows = order.slice(1).map((id) => {
      const { parent, text, kind, probability } = this.#nodes[id];
      const short = probability === null ? null : Number(probability.toPrecision(3));
      return [places.get(parent), text, KINDS.indexOf(kind), short];
    });
    return { rows, current: places.get(this.#current) };
  }

  /** Become what toPlain gave; whatever does not fit is a TypeError, and changes nothing. */
  restore({ rows, current }) {
    if (rows.length >= MOST_SHARED) throw new TypeError("a tree of too many texts");
    const nodes = [emptyText(), ...rows.map((row, index) => nodeOf(row, index + 1))];
    if (!Number.isInteger(current) || current < 0 || current >= nodes.length) throw new TypeError("no such node");
    nodes.forEach((node, id) => nodes[node.parent]?.children.push(id));
    this.#nodes = nodes;
    this.#current = current;
  }

  #split(id, at) {
    const node = this.#nodes[id];
    const tail = this.#nodes.push({ ...node, parent: id, text: node.text.slice(at), probability: null }) - 1;
    for (const child of node.children) this.#nodes[child].parent = tail;
    node.text = node.text.slice(0, at);
    node.children = [tail];
    if (this.#current === id) this.#current = tail;
    return id;
  }

  #deepest(start, text) {
    let best = { id: start, length: this.textOf(start).length };
    const open = [best];
    while (open.length) {
      const { id, length } = open.pop();
      if (length > best.length) best = { id, length };
      for (const child of this.children(id)) {
        const piece = this.#nodes[child].text;
        if (text.startsWith(piece, length)) open.push({ id: child, length: length + piece.length });
      }
    }
    return best.id;
  }
}

function emptyText() {
  return { parent: -1, text: "", kind: "typed", probability: null, children: [] };
}

function nodeOf(row, id) {
  const [parent, text, kind, probability] = Array.isArray(row) ? row : [];
  const fits =
    Number.isInteger(parent) && parent >= 0 && parent < id && typeof text === "string" && text && kind in KINDS;
  if (!fits) throw new TypeError("not a tree of texts");
  const known = typeof probability === "number" && probability >= 0 && probability <= 1;
  return { parent, text: normalized(text), kind: KINDS[kind], probability: known ? probability : null, children: [] };
}
