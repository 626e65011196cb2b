// A lower triangle of weights as a picture: a pixel a pair of tokens, which the style sheet makes as large as fits.

import { byId } from "./dom.js";

/** The picture; `read(row, column)` gives the words for a cell, `choose(row)` is told of a click. */
export class Matrix {
  #canvas = byId("matrix");
  #words = byId("matrix-words");
  #rest = this.#words.textContent; // what stands there while no cell is pointed at
  #weights = [];
  #row = -1;

  constructor({ read, choose }) {
    this.#canvas.addEventListener("pointermove", (event) => {
      const { row, column } = this.#cell(event);
      this.#words.textContent = read(row, column) ?? this.#rest;
    });
    this.#canvas.addEventListener("pointerleave", () => {
      this.#words.textContent = this.#rest;
    });
    this.#canvas.addEventListener("click", (event) => {
      const { row } = this.#cell(event);
      if (this.#weights[row]) choose(row);
    });
  }

  show(weights, label = "") {
    this.#weights = weights;
    this.#canvas.hidden = !weights.length;
    this.#canvas.setAttribute("aria-label", label);
    this.draw();
  }

  /** Mark a row. */
  mark(row) {
    if (row === this.#row) return;
    this.#row = row;
    this.draw();
  }

  /** Paint all of it in the colours of now. */
  draw() {
    const size = this.#weights.length;
    if (!size) return;
    this.#canvas.width = size;
    this.#canvas.height = size;
    const [low, high, none, mark] = ["--matrix-low", "--matrix-high", "--matrix-none", "--matrix-mark"].map((name) =>
      colour(this.#canvas, name),
    );
    const context = this.#canvas.getContext("2d");
    const image = context.createImageData(size, size);
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column < size; column += 1) {
        const weight = this.#weights[row][column];
        const empty = row === this.#row ? mark : none;
        const painted = weight === undefined ? empty : mixed(low, high, Math.sqrt(weight)); // small weights matter too
        image.data.set(painted, 4 * (row * size + column));
      }
    }
    context.putImageData(image, 0, 0);
  }

  #cell({ offsetX, offsetY }) {
    const size = this.#weights.length;
    const at = (offset, length) => Math.min(size - 1, Math.max(0, Math.floor((offset / length) * size)));
    return { row: at(offsetY, this.#canvas.clientHeight), column: at(offsetX, this.#canvas.clientWidth) };
  }
}

/** Return a colour of the style sheet, written #rrggbb or light-dark(), as four bytes. */
function colour(canvas, name) {
  canvas.style.color = `var(${name})`;
  const [red, green, blue] = getComputedStyle(canvas)
    .color.match(/\d+(\.\d+)?/g)
    .map(Number);
  return [red, green, blue, 255];
}

function mixed(low, high, share) {
  return low.map((from, channel) => Math.round(from + share * (high[channel] - from)));
}
