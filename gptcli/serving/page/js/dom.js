// Make and find elements. Text only ever goes in as text: nothing that a model writes is read as HTML.

/** Return the element of this id; one that is missing is a mistake of ours. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Return a new element. An attribute that is null or false is left out, true stands without a value; one whose name
 * begins with "on" is a listener. Children are elements or texts.
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set the width of a bar, a share between 0 and 1, which the style sheet reads. */
export function setShare(element, share) {
  element.style.setProperty("--share", String(share));
}

/** Return whether keys that are pressed now go into a text. */
export function isTyping(target) {
  return target.matches?.("textarea, select, input:not([type=range], [type=radio], [type=checkbox])") ?? false;
}
