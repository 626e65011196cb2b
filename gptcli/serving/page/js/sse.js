// Read server-sent events, as the HTML standard (section 9.2.6) parses them: lines, fields, a blank line ends an event.

/** A parser that takes text in pieces, cut anywhere, and gives the data of each event that has come to its end. */
export class EventParser {
  #rest = "";
  #data = [];
  #first = true;

  /** Return the data of the events that this piece of text completes. */
  push(text) {
    if (this.#first && text) {
      text = text.replace(/^\uFEFF/, "");
      this.#first = false;
    }
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/); // a CR at the very end may be half of a CR LF
    this.#rest = lines.pop();
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line) {
    if (line === "") {
      const data = this.#data;
      this.#data = [];
      return data.length ? [data.join("\n")] : [];
    }
    const [, field, value] = /^([^:]*)(?:: ?)?([^]*)$/.exec(line);
    if (field === "data") this.#data.push(value);
    return []; // a comment begins with a colon, so that its field is empty; event, id and retry are not used here
  }
}

/** Yield the data of each event of a fetch response; its stream is let go of however the reading ends. */
export async function* serverSentEvents(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder(); // keeps the bytes of a character that two pieces share
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => {}); // of a stream that failed already, nothing is left to cancel
  }
}
