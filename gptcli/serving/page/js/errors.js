// What can go wrong between the page and the server, and what a person can do about it.

/** An answer of the server that is an error, or one that could not be understood; status 0 is no answer at all. */
export class ApiError extends Error {
  constructor(status, message, { code = null, retryAfter = null } = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Return the error that a response tells, in OpenAI's shape where it is in that shape. */
export async function errorOf(response) {
  const told = await response.json().then(
    (body) => body?.error,
    () => null,
  );
  const message = typeof told?.message === "string" ? told.message : `the server answered ${response.status}`;
  const seconds = Number(response.headers.get("Retry-After"));
  return new ApiError(response.status, message, { code: told?.code ?? null, retryAfter: seconds || null });
}

/** Return whether an exception only says that we ourselves let go of a request. */
export function wasAborted(error) {
  return error?.name === "AbortError";
}

/** Return {message, advice} for anything that was thrown; the advice is empty where the message says it all. */
export function explained(error) {
  if (!(error instanceof ApiError)) {
    return { message: `Something in this page broke: ${error?.message ?? error}`, advice: "Load the page again." };
  }
  return { message: named(error), advice: advice(error) };
}

/** Return an error's message, in the page's own words where the server's are for programs. */
function named({ status, message, code }) {
  if (status === 401) return "The server wants its key.";
  if (status === 429) return "The server is busy: no more may wait.";
  if (!["context_length_exceeded", "limit_exceeded"].includes(code)) return message.replace(/^the /, "The ");
  const words = message.replace(/^(prompt|text)(?= )/, "The text");
  return words.replace(/\bprompt\b/g, "text").replace(/\bmax_tokens\b/g, "Length");
}

/** Return whether the same question may be answered another time. */
export function mayPass(error) {
  return !(error instanceof ApiError) || ![400, 404, 413, 422].includes(error.status);
}

function advice({ status, retryAfter }) {
  if (status === 0) return "Is “gptcli serve” still running? Start it again, then try once more.";
  if (status === 401 || status === 403) return "Give the key that the server was started with.";
  if (status === 404) return "The server may have been started with another model: load the page again.";
  if (status === 413) return "Shorten the text.";
  if (status === 429) return `Try again in ${retryAfter ? `${retryAfter} s` : "a moment"}.`;
  if (status === 503) return "The server is about to stop. Start it again, then try once more.";
  if (status === 504 || status === 408) return "Ask for fewer tokens, or start the server with a longer --timeout.";
  if (status >= 500) return "The server’s own output says more.";
  return "";
}
