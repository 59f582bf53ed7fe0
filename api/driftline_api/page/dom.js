// Elements made by hand: text is only ever set as text, so a prompt can never become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. attributes: class, title, href, data-*...; children: elements, texts, null (left out). */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An SVG element; like el. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** Add children: elements, texts, arrays of them; null is left out. */
export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

const shown = new WeakMap();

/** Replace what is inside an element, only when `key` (any JSON value) differs from last time: no flicker. */
export function show(element, key, draw) {
  const text = JSON.stringify(key);
  if (shown.get(element) === text) return;
  shown.set(element, text);
  const drawn = draw();
  element.replaceChildren();
  append(element, Array.isArray(drawn) ? drawn : [drawn]);
}

/** Forget what an element shows, so that the next show draws. */
export function forget(element) {
  shown.delete(element);
}

/** A card's heading with a line of explanation. */
export function heading(title, detail, ...controls) {
  return el("div", { class: "heading" }, el("h2", {}, title), detail ? el("p", {}, detail) : null, controls);
}

/** What to say where there is nothing. */
export function empty(...children) {
  return el("div", { class: "empty" }, children);
}
