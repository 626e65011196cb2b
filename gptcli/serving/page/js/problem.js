// The place where errors are told, with what to do about them.

import { byId } from "./dom.js";
import { explained, mayPass, wasAborted } from "./errors.js";

let shown = null;
let again = null;

/** Show an error; `retry`, where there is one, does once more what failed. */
export function showProblem(error, retry = null) {
  if (wasAborted(error)) return;
  const { message, advice } = explained(error);
  byId("problem-message").textContent = message;
  byId("problem-advice").textContent = advice;
  byId("problem-retry").hidden = retry === null || !mayPass(error);
  byId("problem").hidden = false;
  shown = error;
  again = retry;
}

/** Put the error away that is shown; nothing happens where another one is than the caller means. */
export function clearProblem(error = shown) {
  if (error !== shown) return;
  byId("problem").hidden = true;
  shown = null;
  again = null;
}

/** Let the two buttons work. */
export function mountProblem() {
  byId("problem-close").addEventListener("click", () => clearProblem());
  byId("problem-retry").addEventListener("click", () => {
    const retry = again;
    clearProblem();
    retry?.();
  });
}
