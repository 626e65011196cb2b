// Attention as pictures: one head's triangle of weights, and all heads at a glance.

/** Return a function (layer, head, row, column) -> weight of the weights, 16 bits each, of all lower triangles in a row. */
function weightsOf({ tokens, heads, bytes }) {
  const raw = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  const data = new DataView(raw.buffer);
  const triangle = (tokens * (tokens + 1)) / 2;
  return (layer, head, row, column) => {
    if (column > row) return 0;
    return data.getUint16(2 * ((layer * heads + head) * triangle + (row * (row + 1)) / 2 + column), true) / 65535;
  };
}

/** Return a colour of the style sheet as three numbers. */
function colour(canvas, name) {
  canvas.style.color = `var(--${name})`;
  return getComputedStyle(canvas).color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/** Paint a picture of so many cells; read(row, column) is a weight, null for nothing or "mark" for a marked cell. */
function paint(canvas, width, height, read) {
  canvas.width = width;
  canvas.height = height;
  const [low, high, none, mark] = ["map-low", "map-high", "map-none", "map-mark"].map((name) => colour(canvas, name));
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const weight = read(row, column);
      let painted = weight === "mark" ? mark : none;
      // Small weights matter too: the colour follows the square root.
      if (typeof weight === "number") painted = low.map((from, at) => from + Math.sqrt(weight) * (high[at] - from));
      image.data.set([...painted, 255], 4 * (row * width + column));
    }
  }
  context.putImageData(image, 0, 0);
}

/** Paint one head; the row of the token that looks is marked where it sees nothing. */
function paintHead(canvas, tokens, weight, marked) {
  paint(canvas, tokens, tokens, (row, column) => (column <= row ? weight(row, column) : row === marked ? "mark" : null));
}

/** Paint all heads, each in so many cells a side with a gap around it, which is marked for the chosen one. */
function paintGlance(canvas, { layers, heads, tokens, cells }, weight, chosen) {
  const step = cells + 2;
  const first = (cell) => Math.floor((cell * tokens) / cells);
  paint(canvas, heads * step, layers * step, (y, x) => {
    const [layer, head, row, column] = [Math.floor(y / step), Math.floor(x / step), (y % step) - 1, (x % step) - 1];
    const inside = row >= 0 && column >= 0 && row < cells && column < cells;
    if (!inside) return layer === chosen.layer && head === chosen.head ? "mark" : null;
    if (column > row) return null;
    let most = 0;
    for (let i = first(row); i < first(row + 1); i += 1) {
      for (let j = first(column); j < first(column + 1) && j <= i; j += 1) most = Math.max(most, weight(layer, head, i, j));
    }
    return most;
  });
}
