// A state as the end of an address: a version, a dot, then compressed JSON in base64url. Whatever is wrong with such a
// text is a ShareError; nothing in it is ever run, and no more of it is unpacked than a state may be long.

import { MOST_SHARED } from "./paths.js";
import { initialState, sanitized } from "./state.js";

const VERSION = 1;
/** Characters of a hash that browsers, mail and chat programs still carry. */
export const LONGEST_HASH = 16_000;
const MOST_BYTES = 1_000_000;

/** A hash that is not one of ours, or is damaged; the message is for people. */
export class ShareError extends Error {}

const NAMES = {
  m: "model",
  b: "tab",
  t: "text",
  s: "settings",
  v: "view",
  p: "position",
  l: "layer",
  h: "head",
  i: "inputs",
  n: "labels",
};

/** Return the hash, without #, of a state and its paths; null where it would be too long even without the paths. */
export async function encoded(state, paths) {
  const compact = shortNames(state);
  const tree = paths.size > 1 && paths.size <= MOST_SHARED ? plainTree(paths) : {};
  for (const content of [{ ...compact, ...tree }, compact]) {
    const hash = `${VERSION}.${await packed(JSON.stringify(content))}`;
    if (hash.length <= LONGEST_HASH) return hash;
  }
  return null;
}

/** Return {parts, tree} of a hash: parts of a state, and what Paths.restore may take. Raises ShareError. */
export async function decoded(hash) {
  const [, version, content] = /^(\d{1,4})\.([\w-]*)$/.exec(hash) ?? [];
  if (!version || hash.length > LONGEST_HASH)
    throw new ShareError("This link is damaged: its end is no state of this page.");
  if (Number(version) !== VERSION) throw new ShareError("This link was made by another version of gptcli.");
  const compact = await parsed(content);
  const raw = Object.fromEntries(Object.entries(NAMES).map(([short, name]) => [name, compact[short]]));
  return { parts: sanitized(raw), tree: { rows: Array.isArray(compact.g) ? compact.g : [], current: compact.c ?? 0 } };
}

function plainTree(paths) {
  const { rows, current } = paths.toPlain();
  return { g: rows, c: current };
}

/** Return whether the end of an address means to be a shared state: all but the link to the text does. */
export function looksShared(hash) {
  return hash !== "" && hash !== "main";
}

/** Return the parts of a state that are not what they are at first, under short names. */
function shortNames(state) {
  const first = initialState();
  const different = Object.entries(NAMES).filter(
    ([, name]) => JSON.stringify(state[name]) !== JSON.stringify(first[name]) && state[name] !== null,
  );
  return Object.fromEntries(different.map(([short, name]) => [short, state[name]]));
}

async function parsed(content) {
  try {
    const compact = JSON.parse(await unpacked(content));
    if (compact && typeof compact === "object") return compact;
  } catch (error) {
    if (error instanceof ShareError) throw error;
  }
  throw new ShareError("This link is damaged: it may have been cut off when it was copied.");
}

async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpacked(content) {
  const binary = atob(content.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let read = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    read += value.length;
    if (read > MOST_BYTES) {
      await reader.cancel();
      throw new ShareError("This link unpacks to more than a state can be.");
    }
    text += decoder.decode(value, { stream: true });
  }
}
