// Small parts of forms: made here, so that every field has its label, its unit and its own refusal.
import { parsed, plain, said } from "./plan.js";

let count = 0;

// What was typed is taken when the focus has gone where it was going: what follows makes forms anew.
const after = (take) => (value) => setTimeout(() => take(value));

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

function framed(title, control, { unit = "", hint = "", cls = "" } = {}) {
  count += 1;
  control.id ||= `field-${count}`;
  // What a field shows at first; the page sees by it whether somebody is typing.
  if ("defaultValue" in control) control.defaultValue = control.value;
  const error = h("p", { className: "error", hidden: true });
  const note = hint ? h("p", { className: "hint", id: `${control.id}-hint` }, hint) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  const body = unit ? h("span", { className: "with-unit" }, control, h("span", { className: "soft" }, unit)) : control;
  const frame = h("div", { className: `field ${cls}` }, h("label", { htmlFor: control.id }, title), note, error, body);
  control.refuse = (message) => {
    frame.classList.toggle("wrong", Boolean(message));
    control.setAttribute("aria-invalid", message ? "true" : "false");
    error.textContent = message;
    error.hidden = !message;
  };
  return frame;
}

export function unread(text) {
  if (!text) return "A number is needed.";
  return text.includes(",") ? "Is that comma a decimal mark? Write a point, and thousands without a mark." : "This is no number.";
}

// A number. Empty is nothing where that is allowed; what is no number is refused and not taken.
export function number(title, value, take, { least = -Infinity, most = Infinity, empty = false, ...how } = {}) {
  const taken = after(take);
  const control = h("input", { type: "text", inputMode: "decimal", autocomplete: "off", value: plain(value), onchange: () => read() });
  const frame = framed(title, control, how);
  function read() {
    const text = control.value.trim();
    if (!text && empty) { control.refuse(""); taken(null); return; }
    const v = parsed(text);
    if (Number.isNaN(v)) return void control.refuse(unread(text));
    if (v < least || v > most) return void control.refuse(`From ${Number.isFinite(least) ? said(least, 4) : "any"} to ${Number.isFinite(most) ? said(most, 4) : "any"}.`);
    control.refuse("");
    taken(v);
  }
  return frame;
}

export function words(title, value, take, { rows = 0, options = [], ...how } = {}) {
  const control = rows ? h("textarea", { rows, value }) : h("input", { type: "text", value, maxLength: 160 });
  const taken = after(take);
  control.addEventListener("change", () => taken(control.value.trim()));
  const frame = framed(title, control, how);
  if (options.length) {
    const list = h("datalist", { id: `${control.id}-list` }, options.map(([v, t]) => h("option", { value: v, label: t })));
    control.setAttribute("list", list.id);
    frame.append(list);
  }
  return frame;
}

export function choice(title, value, options, take, how = {}) {
  const known = options.some(([v]) => v === value);
  const shown = known || !value ? options : [[value, value], ...options];
  const control = h("select", { onchange: () => after(take)(control.value) }, shown.map(([v, t]) => h("option", { value: v, selected: v === value }, t)));
  if (!known && !value) control.selectedIndex = options.findIndex(([v]) => v === "");
  return framed(title, control, how);
}

export function tick(title, value, take) {
  return h("label", { className: "tick" }, h("input", { type: "checkbox", checked: value, onchange: (e) => after(take)(e.target.checked) }), title);
}

export const button = (text, onclick, cls = "btn ghost") => h("button", { type: "button", className: cls, onclick }, text);
