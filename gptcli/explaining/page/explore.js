// The page itself: a chosen token, and everything that is shown of it.

const data = JSON.parse(byId("data").textContent);
const { tokens, attention, lens, attributions } = data;
const weight = attention && weightsOf(attention);
const items = tokens.map(({ text }, index) => {
  const item = el("span", "token", standing(text));
  item.setAttribute("role", "option");
  item.dataset.index = index;
  item.tabIndex = -1;
  item.setAttribute("aria-selected", "false");
  return item;
});
const VIEWS = [
  { name: "how surprising each token is", words: "The stronger the colour, the less the model expected the token where it stands.", of: surprise },
  weight && { name: "what the chosen token looks at", words: "Attention of the chosen head: a token looks only at itself and back.", of: looked },
  attributions.length && { name: "what speaks for the next token", words: "Blue speaks for the chosen next token, red against it.", of: scored },
].filter(Boolean);
let chosen = tokens.length - 1;
let pointed = null;

function surprise(token) {
  if (token.bits === null) return { colour: "surprise", share: 0, words: "the first token" };
  return { colour: "surprise", share: token.bits / 16, words: `${token.bits.toFixed(1)} bits` };
}

function looked(_, index) {
  const [from, layer, head] = [pointed ?? chosen, Number(byId("layer").value), Number(byId("head").value)];
  if (from >= attention.tokens || index > from) return { colour: "weight", share: 0, words: "not looked at" };
  const found = weight(layer, head, from, index);
  return { colour: "weight", share: Math.sqrt(found), words: percent(found) };
}

function scored(_, index) {
  const { scores, largest } = attributions[byId("method").value];
  const score = scores[index] ?? 0;
  return { colour: score > 0 ? "weight" : "against", share: Math.abs(score) / largest, words: `${signed(score)} nats` };
}

/** Show everything for the token under the pointer, or else for the chosen one. */
function show() {
  tintTokens();
  tell();
}

function tintTokens() {
  const view = VIEWS[byId("view").value];
  byId("words").textContent = view.words;
  items.forEach((item, index) => {
    const { colour, share, words } = view.of(tokens[index], index);
    tint(item, colour, share);
    item.setAttribute("aria-label", `${named(tokens[index].text)}, ${words}`);
  });
}

/** Show what is told of a token, and mark the chosen one; the tints of most views stay as they are. */
function tell() {
  if (!tokens.length) return;
  if (VIEWS[byId("view").value].of === looked) tintTokens();
  const position = pointed ?? chosen;
  byId("tokens").querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
  byId("tokens").querySelector("[aria-selected='true']")?.setAttribute("aria-selected", "false");
  items[chosen].setAttribute("aria-selected", "true");
  items[chosen].tabIndex = 0;
  tellToken(byId("details"), tokens[position], position);
  if (lens) tellLayers(byId("layers"), lens, position);
  if (weight) showAttention(position);
}

function showAttention(position) {
  const [layer, head] = [Number(byId("layer").value), Number(byId("head").value)];
  paintHead(byId("matrix"), attention.tokens, (row, column) => weight(layer, head, row, column), position);
  byId("matrix").setAttribute("aria-label", `Layer ${layer}, head ${head}: the weights of ${counted(attention.tokens, "token")}`);
  byId("looks").textContent = lookedAt(layer, head, position);
}

function lookedAt(layer, head, position) {
  if (position >= attention.tokens) return `Attention was kept of the first ${counted(attention.tokens, "token")} only.`;
  const found = tokens.slice(0, position + 1).map(({ text }, at) => ({ text, weight: weight(layer, head, position, at) }));
  const most = found.sort((one, other) => other.weight - one.weight).slice(0, 4);
  return `${quoted(tokens[position].text)} looks at ${most.map((each) => `${quoted(each.text)} ${percent(each.weight)}`).join(", ")}`;
}

/** Paint all heads; only a new choice or new colours change them. */
function showGlance() {
  if (!weight) return;
  const shape = { ...attention, cells: Math.min(attention.tokens, 40) };
  const [layer, head] = [Number(byId("layer").value), Number(byId("head").value)];
  paintGlance(byId("glance"), shape, weight, { layer, head });
  byId("glance").setAttribute("aria-label", `${counted(attention.layers, "layer")} of ${counted(attention.heads, "head")}; layer and head are chosen above`);
}

function choose(index) {
  chosen = index;
  pointed = null;
  tell();
}

/** Choose a token in the text, so that the arrow keys go on from there. */
function goTo(index) {
  choose(index);
  items[chosen].focus();
}

function indexOf(target) {
  const item = target.closest?.("[data-index]");
  return item ? Number(item.dataset.index) : null;
}

/** Return the cell of a picture under the pointer. */
function cellOf({ offsetX, offsetY, target }, width, height) {
  return [Math.floor((offsetY / target.clientHeight) * height), Math.floor((offsetX / target.clientWidth) * width)];
}

function mountText() {
  const box = byId("tokens");
  box.replaceChildren(...items);
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  box.addEventListener("keydown", (event) => {
    if (!(event.key in moves)) return;
    event.preventDefault();
    goTo(Math.max(0, Math.min(items.length - 1, chosen + moves[event.key])));
  });
  box.addEventListener("click", ({ target }) => indexOf(target) !== null && goTo(indexOf(target)));
  box.addEventListener("pointerover", ({ target }) => {
    pointed = indexOf(target);
    tell();
  });
  box.addEventListener("pointerleave", () => {
    pointed = null;
    tell();
  });
  offer(byId("view"), VIEWS.map(({ name }) => name));
  byId("view").addEventListener("change", show);
}

function mountAttention() {
  const numbers = (count) => Array.from({ length: count }, (_, number) => String(number));
  const again = () => {
    show();
    showGlance();
  };
  offer(byId("layer"), numbers(attention.layers));
  offer(byId("head"), numbers(attention.heads));
  byId("layer").addEventListener("change", again);
  byId("head").addEventListener("change", again);
  byId("matrix").addEventListener("click", (event) => choose(Math.min(attention.tokens - 1, cellOf(event, 1, attention.tokens)[0])));
  byId("glance").addEventListener("click", (event) => {
    const [layer, head] = cellOf(event, attention.heads, attention.layers);
    byId("layer").value = Math.min(attention.layers - 1, layer);
    byId("head").value = Math.min(attention.heads - 1, head);
    again();
  });
}

function mountAttribution() {
  const again = () => {
    const found = attributions[byId("method").value];
    byId("sum").textContent = summed(found);
    tellScores(byId("scores"), found, tokens);
    show();
  };
  offer(byId("method"), attributions.map(({ method, target }) => `${method}, for ${quoted(target)}`));
  byId("method").addEventListener("change", again);
  again();
}

function mountTheme() {
  const names = ["as the system", "light", "dark"];
  let theme = 0;
  const again = () => {
    show();
    showGlance();
  };
  byId("theme").addEventListener("click", () => {
    theme = (theme + 1) % names.length;
    document.documentElement.dataset.theme = names[theme];
    byId("theme").textContent = `Colours: ${names[theme]}`;
    again();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

byId("notes").replaceChildren(...data.notes.map((note) => el("li", "", note)));
byId("attention").hidden = !weight;
byId("lens").hidden = !lens;
byId("attribution").hidden = !attributions.length;
mountText();
if (weight) mountAttention();
if (attributions.length) mountAttribution();
mountTheme();
show();
showGlance();
