// Ask the server: one place that knows its address, sends the key, and turns every failure into an ApiError.

import { ApiError, errorOf, wasAborted } from "./errors.js";
import { serverSentEvents } from "./sse.js";

/** The server's routes. `keys` has `key` (or null) and `ask`, which resolves to whether a key was given. */
export class Api {
  #keys;

  constructor(keys) {
    this.#keys = keys;
  }

  /** Return a route's whole address, also where the server stands behind another one, below a path. */
  address(path) {
    return new URL(path, document.baseURI).href;
  }

  /** Return the parsed answer to a body; without one it is a GET. Raises ApiError, or an AbortError. */
  async json(path, { body, signal, byItself = false } = {}) {
    const response = await this.#send(path, { body, signal, byItself });
    try {
      return await response.json();
    } catch (error) {
      if (wasAborted(error)) throw error;
      throw new ApiError(response.status, "The server’s answer was cut off, or is not JSON.");
    }
  }

  /** Yield each JSON chunk of a streamed answer. Raises ApiError also for one that ends before it is done. */
  async *stream(path, { body, signal }) {
    const response = await this.#send(path, { body: { ...body, stream: true }, signal, byItself: false });
    try {
      for await (const data of serverSentEvents(response)) {
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new ApiError(chunk.error.status ?? 500, chunk.error.message);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof ApiError || wasAborted(error)) throw error;
      throw new ApiError(0, "The connection broke in the middle of the answer.");
    }
    throw new ApiError(0, "The server ended its answer too early.");
  }

  async #send(path, { body, signal, byItself }) {
    for (;;) {
      const used = this.#keys.key;
      const response = await this.#once(path, { body, signal, key: used });
      if (response.ok) return response;
      const error = await errorOf(response);
      if (response.status !== 401) throw error;
      const changed = this.#keys.key !== used; // by another request that was refused at the same time
      if (!changed && !(await this.#keys.ask(used !== null, { byItself }))) throw error;
    }
  }

  async #once(path, { body, signal, key }) {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const posted = {
      method: "POST",
      body: JSON.stringify(body),
      headers: { ...headers, "Content-Type": "application/json" },
    };
    try {
      return await fetch(this.address(path), { signal, ...(body === undefined ? { headers } : posted) });
    } catch (error) {
      if (wasAborted(error)) throw error;
      throw new ApiError(0, "The server does not answer.");
    }
  }
}
