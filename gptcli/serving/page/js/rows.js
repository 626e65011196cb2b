// The tree of paths as the rows that are shown: a stretch without a fork, or up to the current node, is one row.

/**
 * Return the visible rows, top to bottom: {end, nodes, level, parent, hasChildren, expanded}. `end` is the last node
 * of the row's stretch, and its name; `collapsed` holds the ends whose rows below are hidden.
 */
export function rowsOf(paths, collapsed) {
  const rows = [];
  const open = topDown(paths, 0, 1, null);
  while (open.length) {
    const row = stretch(paths, open.pop());
    const below = topDown(paths, row.end, row.level + 1, row.end);
    const expanded = !collapsed.has(row.end);
    rows.push({ ...row, hasChildren: below.length > 0, expanded });
    if (expanded) open.push(...below);
  }
  return rows;
}

/** Return the starts of the rows below a node, the first one last, as a stack wants them. */
function topDown(paths, id, level, parent) {
  const starts = paths.children(id).map((start) => ({ start, level, parent }));
  return starts.reverse();
}

function stretch(paths, { start, level, parent }) {
  const nodes = [start];
  let end = start;
  for (let next = paths.children(end); next.length === 1 && end !== paths.current; next = paths.children(end)) {
    end = next[0];
    nodes.push(end);
  }
  return { end, nodes, level, parent };
}
