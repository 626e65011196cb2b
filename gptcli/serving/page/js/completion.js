// A continuation as it is streamed: what is asked for, and what comes of it.

/** Return the body of /v1/completions that continues a text with these settings. */
export function completionBody({ model, text, settings }, seed = settings.seed) {
  const { temperature, top_k, top_p, repetition_penalty, max_tokens, n } = settings;
  return { model, prompt: text, max_tokens, n, temperature, top_k, top_p, repetition_penalty, seed };
}

/** Yield {index, text, ended} for each piece of each alternative, and {tokens} where the server counts them. */
export async function* continuations(api, body, signal) {
  const streamed = { ...body, stream_options: { include_usage: true } };
  for await (const chunk of api.stream("v1/completions", { body: streamed, signal })) {
    for (const { index, text, finish_reason } of chunk.choices ?? []) {
      yield { index, text: text ?? "", ended: finish_reason ?? null };
    }
    if (chunk.usage) yield { tokens: chunk.usage.completion_tokens };
  }
}
