// What is told beside the text: of a token, of the layers, of a chosen next token.

const MOST_SCORES = 12;

/** Tell of a token how far it was expected, and what was expected instead. */
function tellToken(box, token, position) {
  const parts = [el("p", "", el("bdi", "name big", named(token.text)), ` position ${position}`)];
  if (token.bits === null) {
    parts.push(el("p", "quiet", "Nothing stands before it that could predict it."));
  } else {
    const facts = [
      ["Surprise", `${token.bits.toFixed(1)} bits`],
      ["Probability", percent(2 ** -token.bits)],
      ["Rank", token.rank.toLocaleString("en")],
      ["Uncertainty before it", `${token.entropy.toFixed(1)} bits`],
    ];
    parts.push(el("dl", "facts", ...facts.flatMap(([name, value]) => [el("dt", "", name), el("dd", "", value)])));
    const expected = token.expected.map(([text, probability]) => line(text, probability, percent(probability), "surprise"));
    if (expected.length) parts.push(el("h3", "", "What it expected here"), el("ol", "", ...expected));
  }
  box.replaceChildren(...parts);
}

/** Tell what each layer would predict after a token, the model's own prediction first. */
function tellLayers(box, layers, position) {
  if (position >= layers[0].length) {
    box.replaceChildren(el("p", "quiet", "Not computed for this token."));
    return;
  }
  const rows = layers.map((positions, layer) => {
    const head = el("th", "", layer === 0 ? "embeddings" : layer === layers.length - 1 ? `${layer}, the model's own` : String(layer));
    head.scope = "row";
    const cells = positions[position].map(([text, probability]) => {
      const cell = el("td", "", el("bdi", "name", named(text)), el("small", "", percent(probability)));
      tint(cell, "weight", probability);
      return cell;
    });
    return el("tr", "", head, ...cells);
  });
  box.replaceChildren(el("table", "", ...rows.reverse()));
}

/** Tell which tokens speak most for a next token, and against it. */
function tellScores(box, attribution, tokens) {
  const { scores, largest } = attribution;
  const order = scores.map((score, at) => ({ score, at })).sort((one, other) => Math.abs(other.score) - Math.abs(one.score));
  const items = order.slice(0, MOST_SCORES).map(({ score, at }) => {
    return line(tokens[at].text, Math.abs(score) / largest, signed(score), score > 0 ? "weight" : "against");
  });
  box.replaceChildren(el("ol", "", ...items));
}

function signed(score) {
  return `${score < 0 ? "−" : "+"}${Math.abs(score).toFixed(2)}`;
}

/** Return in words what the scores of a next token sum to. */
function summed({ target, logprob, baseline, scores, error }) {
  const sum = scores.reduce((total, score) => total + score, 0);
  const told = `For ${quoted(target)} to come next: log probability ${logprob.toFixed(2)} nats, ${baseline.toFixed(2)} with token embeddings at zero. The scores sum to ${signed(sum)}`;
  return error === null ? `${told}.` : `${told}, ${percent(error)} off the difference.`;
}
