// The server's key: asked for when it is wanted, kept for this tab only.

import { byId } from "./dom.js";
import { passing } from "./memory.js";

const NAME = "gptcli-key";

/** Holds the key, and asks for one; requests that are refused at the same time share one question. */
export class Keys {
  #asking = null;
  #putOff = false; // whether the reader wanted to give none when asked last

  get key() {
    return passing.get(NAME);
  }

  /**
   * Return whether the reader gave a key; `wrong` says that there was one, which the server did not take. Who put the
   * question off is not asked once more for what the page wants to know `byItself`, at each letter that is typed.
   */
  ask(wrong, { byItself }) {
    if (byItself && this.#putOff) return Promise.resolve(false);
    this.#asking ??= this.#ask(wrong).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  #ask(wrong) {
    const dialog = byId("key-dialog");
    const field = byId("key");
    if (wrong)
      byId("key-words").textContent = "The server did not take that key. It is what --api-key or GPTCLI_API_KEY gave it.";
    field.value = "";
    dialog.returnValue = "cancel"; // what closing it with Escape leaves
    return new Promise((resolve) => {
      const closed = () => {
        const given = dialog.returnValue === "use" && field.value !== "";
        if (given) passing.set(NAME, field.value);
        this.#putOff = !given;
        field.value = "";
        resolve(given);
      };
      dialog.addEventListener("close", closed, { once: true });
      dialog.showModal();
    });
  }
}
