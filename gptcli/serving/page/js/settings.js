// The settings of the page: what each is, its default (gptcli's own) and what it may be.

/**
 * Each setting: the default, the slider's ends and step, the largest value that may be typed, and whether it is whole.
 * `words` is what stands below the slider.
 */
export const SETTINGS = {
  temperature: {
    label: "Temperature",
    words: "Lower is safer, higher is wilder. 0 always takes the likeliest.",
    default: 1,
    least: 0,
    most: 2,
    step: 0.05,
    limit: 2,
  },
  top_k: {
    label: "Top-k",
    words: "Draw from the k likeliest tokens. 0 is all of them.",
    default: 50,
    least: 0,
    most: 200,
    step: 1,
    limit: 50_257,
  },
  top_p: {
    label: "Top-p",
    words: "Draw from the likeliest that together reach p.",
    default: 1,
    least: 0.01,
    most: 1,
    step: 0.01,
    limit: 1,
  },
  repetition_penalty: {
    label: "Repetition penalty",
    words: "Above 1, tokens that the text has already become less likely.",
    default: 1,
    least: 1,
    most: 2,
    step: 0.05,
    floor: 0.01,
    limit: 2,
  },
  seed: {
    label: "Seed",
    words: "The same seed gives the same text. “Try again” takes the next one.",
    default: 1,
    least: 0,
    most: 100,
    step: 1,
    limit: 2_147_483_647,
  },
  max_tokens: {
    label: "Length",
    words: "The most tokens to add. A token is about three quarters of a word.",
    default: 50,
    least: 1,
    most: 200,
    step: 1,
    limit: 1024,
  },
  n: {
    label: "Alternatives",
    words: "How many continuations to write side by side.",
    default: 1,
    least: 1,
    most: 6,
    step: 1,
    limit: 16,
  },
};

/** The default of each setting by its name. */
export const DEFAULTS = Object.freeze(
  Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting.default])),
);

/** Return a value that the setting may have: the nearest one to what was given, or the default for no number. */
export function clamped(name, value) {
  const setting = SETTINGS[name];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return setting.default;
  const within = Math.min(setting.limit, Math.max(setting.floor ?? setting.least, number));
  return setting.step === 1 ? Math.round(within) : Number(within.toFixed(4));
}

/** Return the settings that decide which next tokens are kept, under the names that the server takes. */
export function drawing({ temperature, top_k, top_p, repetition_penalty }) {
  return { temperature, top_k, top_p, repetition_penalty };
}
