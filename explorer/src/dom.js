// Elements are made here alone: text goes in as text, attributes by name, never as markup.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, fn] of Object.entries(value)) element.addEventListener(event, fn);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Each widget of a notebook is a module of its own; their ids must differ.
const own = Math.random().toString(36).slice(2, 10);
let count = 0;
export const uid = (stem) => `sc-${stem}-${own}-${++count}`;

export function button(text, onClick, props = {}) {
  return h("button", { type: "button", text, on: { click: onClick }, ...props });
}

export function field(labelText, input, props = {}) {
  input.id ||= uid("field");
  return h("div", { class: "sc-field", ...props }, h("label", { for: input.id, text: labelText }), input);
}

export function choice(options, onChange, props = {}) {
  const select = h("select", { on: { change: () => onChange(select.value) }, ...props });
  for (const [value, text] of options) select.append(h("option", { value, text }));
  return select;
}

export const number = (value) =>
  value === null || Number.isNaN(value) ? "–" : Number.isFinite(value) ? String(+value.toPrecision(4)) : "never";

export const count_of = (value) => value.toLocaleString("en-US");
