// How tokens and numbers look: what cannot be seen is shown, probabilities are rounded, and tints have six steps.

const PICTURES = { " ": "␣", "\n": "⏎", "\t": "⇥" };

/** Return a token as a person can read it: spaces at its ends, line ends and control characters become visible. */
export function visible(token) {
  return controls(token.replace(/^ +| +$/g, (spaces) => PICTURES[" "].repeat(spaces.length)));
}

/** Return a token as it stands in its text: a line end is seen and ends the line, and spaces are spaces. */
export function inPlace(token) {
  return controls(token).replaceAll(PICTURES["\n"], `${PICTURES["\n"]}\n`);
}

/** Return a text with pictures for what cannot be seen, or would turn the direction of what follows. */
function controls(text) {
  return text.replace(/[\0-\x1F\x7F-\x9F\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/g, picture);
}

function picture(character) {
  const code = character.charCodeAt(0);
  if (PICTURES[character]) return PICTURES[character];
  if (code < 32) return String.fromCharCode(0x2400 + code);
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** Return a token as a screen reader can say it. */
export function spoken(token) {
  if (token.trim() === "") {
    const names = { " ": "space", "\n": "line end", "\t": "tab" };
    return [...token].map((character) => names[character] ?? "blank").join(", ") || "nothing";
  }
  return visible(token).replaceAll("␣", "").replaceAll("⏎", " line end ");
}

/** Return a text with its middle left out where it is longer than so many characters. */
export function shortened(text, most) {
  const characters = [...text];
  if (characters.length <= most) return text;
  const head = Math.floor((most - 1) / 3);
  return `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (most - 1 - head)).join("")}`;
}

/** Return a probability in percent, with as many digits as it takes to tell it from 0 and from 1. */
export function percent(probability) {
  if (probability > 0 && probability < 0.0001) return "< 0.01 %";
  if (probability < 1 && probability >= 0.9995) return "> 99.9 %";
  const digits = probability >= 0.1 ? 1 : 2;
  return `${(100 * probability).toFixed(probability === 1 || probability === 0 ? 0 : digits)} %`;
}

/** Return a number with a few digits, without zeros at the end. */
export function rounded(number, digits = 2) {
  return String(Number(number.toFixed(digits)));
}

/** Return a whole number with its thousands parted. */
export function counted(number) {
  return number.toLocaleString("en-GB");
}

/** The least probability of each tint of a token, likely first; below the last is one tint more. */
export const PROBABILITY_STEPS = [0.5, 0.2, 0.05, 0.01, 0.001];
/** The least weight of each tint of attention, from the second on. */
export const WEIGHT_STEPS = [0.02, 0.05, 0.12, 0.3, 0.6];

/** Return the tint of a token of this probability: 0 likely to 5 very surprising. */
export function surpriseTint(probability) {
  return PROBABILITY_STEPS.filter((least) => probability < least).length;
}

/** Return the tint of a weight: 0 hardly any to 5 most of it. */
export function weightTint(weight) {
  return WEIGHT_STEPS.filter((least) => weight >= least).length;
}
