// Write a text as a POSIX shell word, and a state as the command or the request that does the same.

import { DEFAULTS } from "./settings.js";

/** Return a text as one word of a POSIX shell. */
export function quoted(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Return whether a text can be pasted into a terminal as it is, line ends aside. A control character cannot: a pasted
 * Ctrl-C ends the line, and what stands behind it would be a command of its own.
 */
function pastable(text) {
  return !/[\0-\x09\x0B-\x1F\x7F-\x9F]/.test(text);
}

/** Return a command's text argument, or what is to be piped into it where no argument can hold the text. */
function source(text) {
  if (pastable(text) && text !== "-") {
    return { pipe: "", argument: `${text.startsWith("-") ? "-- " : ""}${quoted(text)}` };
  }
  // --whole takes one line end off, which printf has put there.
  return { pipe: `printf '%b\\n' ${quoted(octal(text))} | `, argument: "--whole" };
}

/** Return a text in which printf's %b finds each backslash and control character again. */
function octal(text) {
  const bytes = (character) => [...new TextEncoder().encode(character)];
  const escape = (byte) => `\\0${byte.toString(8).padStart(3, "0")}`;
  return text.replace(/[\0-\x09\x0B-\x1F\x7F-\x9F\\]/g, (character) => bytes(character).map(escape).join(""));
}

const FLAGS = [
  ["n", "-n"],
  ["temperature", "--temperature"],
  ["top_k", "--top-k"],
  ["top_p", "--top-p"],
  ["repetition_penalty", "--repetition-penalty"],
  ["max_tokens", "--max-new-tokens"],
];

/** Return the `gptcli generate` that writes on from the text as the page does; the text comes last. */
export function generateCommand({ model, text, settings }) {
  const options = FLAGS.filter(([name]) => settings[name] !== DEFAULTS[name]).map(
    ([name, flag]) => ` ${flag} ${settings[name]}`,
  );
  const { pipe, argument } = source(text);
  const chosen = model ? ` -m ${quoted(model)}` : "";
  return `${pipe}gptcli generate${chosen} --template none --seed ${settings.seed}${options.join("")} ${argument}`;
}

/** Return the `gptcli classify` for the same texts, one a line. */
export function classifyCommand({ model, texts, labels }) {
  const sources = texts.map(source);
  const wanted = labels.length ? ` --labels ${quoted(labels.join(","))}` : "";
  const command = `gptcli classify${model ? ` -m ${quoted(model)}` : ""}${wanted}`;
  if (sources.some(({ pipe }) => pipe)) {
    return `printf '%b' ${quoted(texts.map((text) => `${octal(text)}\\n`).join(""))} | ${command}`;
  }
  const words = texts.map(quoted);
  return `${command} ${texts.some((text) => text.startsWith("-")) ? "-- " : ""}${words.join(" ")}`;
}

/** Return the curl that sends a body to an address; the key is not written out, but left to a variable. */
export function curl(address, body, { key }) {
  const authorization = key ? ` \\\n  -H "Authorization: Bearer $GPTCLI_API_KEY"` : "";
  const json = JSON.stringify(body).replace(/[\x7F-\x9F]/g, escaped);
  return `curl ${quoted(address)} \\\n  -H 'Content-Type: application/json'${authorization} \\\n  -d ${quoted(json)}`;
}

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
