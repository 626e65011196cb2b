// What a browser remembers for the page, also where storage is forbidden: then it lasts as long as the page.

function memory(find) {
  const own = new Map();
  const storage = () => {
    try {
      return find();
    } catch {
      return null;
    }
  };
  return {
    get(name) {
      return storage()?.getItem(name) ?? own.get(name) ?? null;
    },
    set(name, value) {
      own.set(name, value);
      try {
        storage()?.setItem(name, value);
      } catch {
        // Full, or forbidden: `own` has it.
      }
    },
    remove(name) {
      own.delete(name);
      storage()?.removeItem(name);
    },
  };
}

/** Outlives the browser; for choices of the reader. */
export const lasting = memory(() => globalThis.localStorage);
/** Ends with the tab; for the key. */
export const passing = memory(() => globalThis.sessionStorage);
