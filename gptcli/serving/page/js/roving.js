// One tab stop for many things: the arrow keys move among them, as ARIA's patterns for lists and trees ask.

/** Make `item` the one of these that the Tab key reaches. */
export function makeStop(items, item) {
  for (const other of items) other.tabIndex = other === item ? 0 : -1;
}

/** Return the item that a key leads to from the one at `index`, or null for a key that leads nowhere. */
export function follow(key, items, index, { forward, backward }) {
  const last = items.length - 1;
  if (forward.includes(key)) return items[Math.min(last, index + 1)] ?? null;
  if (backward.includes(key)) return items[Math.max(0, index - 1)] ?? null;
  if (key === "Home") return items[0] ?? null;
  if (key === "End") return items[last] ?? null;
  if (key === "PageDown") return items[Math.min(last, index + 10)] ?? null;
  if (key === "PageUp") return items[Math.max(0, index - 10)] ?? null;
  return null;
}
