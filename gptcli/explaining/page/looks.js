// How tokens and numbers look. Text only ever goes in as text: nothing of a model or a text is read as HTML.

const SIGNS = { " ": "␣", "\n": "⏎", "\t": "⇥" };
const UNSEEN = /[\0-\x1F\x7F-\xA0\xAD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uD800-\uDFFF\uFEFF\uFFF9-\uFFFB]/gu;

function escaped(character) {
  const code = character.codePointAt(0).toString(16);
  return SIGNS[character] ?? (code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`);
}

/** Return a token's name in a list: all that cannot be seen is shown. */
function named(text) {
  return text === "" ? "∅" : text.replace(/ /g, SIGNS[" "]).replace(UNSEEN, escaped);
}

/** Return a token as it stands in its text: line ends break the line and are seen. */
function standing(text) {
  return text === "" ? "∅" : text.replace(UNSEEN, (each) => (each === "\n" ? "⏎\n" : each === "\t" ? "⇥\t" : escaped(each)));
}

/** Return a token's name in a sentence, whose direction it does not turn. */
function quoted(text) {
  return `"\u2068${named(text)}\u2069"`;
}

/** Return a share in percent, in one piece. */
function percent(share) {
  if (share > 0 && share < 0.0001) return "<\u00a00.01\u00a0%";
  return `${(100 * share).toFixed(share >= 0.1 ? 1 : 2)}\u00a0%`;
}

function counted(count, name) {
  return `${count.toLocaleString("en")} ${name}${count === 1 ? "" : "s"}`;
}

function byId(id) {
  return document.getElementById(id);
}

/** Return a new element of this class with these children: elements or texts. */
function el(name, style, ...children) {
  const element = document.createElement(name);
  if (style) element.className = style;
  element.append(...children);
  return element;
}

/** Tint an element by a share between 0 and 1 of a colour of the style sheet. */
function tint(element, colour, share) {
  element.style.setProperty("--tint", `var(--${colour})`);
  element.style.setProperty("--share", `${(100 * Math.min(1, share)).toFixed(1)}%`);
}

/** Return a line of a list: a token, a bar, a figure. */
function line(text, share, figure, colour = "weight") {
  const fill = el("div", "fill");
  tint(fill, colour, share);
  const item = el("li", "row", el("bdi", "name", named(text)), fill, el("span", "", figure));
  return item;
}

/** Fill a choice with options, each a text; its value is the option's number. */
function offer(select, texts) {
  select.replaceChildren(...texts.map((text, index) => new Option(text, index)));
}
