// What a source is used for: each use with what must be known of it.
import { button, choice, h, number, unread, words } from "./fields.js";
import { parsed, plain, said } from "./plan.js";

const BEAMS = [["0,0,-1", "From above, downward"], ["0,0,1", "From below, upward"], ["1,0,0", "To the right"], ["-1,0,0", "To the left"], ["0,-1,0", "Up on the plan"], ["0,1,0", "Down on the plan"]];

export function uses(panel, source) {
  const { store, offered, mayDraw } = panel;
  const at = (fn) => store.change(() => fn(store.find(source.key).item.uses));
  const kinds = offered.uses.map((u) => [u.key, u.title]);
  const add = h("select", { ariaLabel: "Kind of use" }, kinds.map(([v, t]) => h("option", { value: v }, t)));
  return h("section", {}, h("h4", {}, "Uses"),
    source.uses.length ? h("ol", { className: "layers" }, source.uses.map((use, i) => one(panel, source, use, i, at))) : h("p", { className: "late" }, "No use yet: it gives no radiation."),
    mayDraw && h("p", { className: "acts" }, add, button("Add the use", () => at((u) => u.push({ kind: add.value, given: {}, title: "" })))),
    source.system && mayDraw ? button("Take the workload from the dose room", () => panel.workload(source)) : null,
    h("p", { className: "soft", role: "status", id: "workload-said" }));
}

function one(panel, source, use, i, at) {
  const kind = panel.offered.uses.find((u) => u.key === use.kind);
  if (!kind) return h("li", {}, h("p", { className: "late" }, `“${use.kind}” belongs to another method.`), button("Remove the use", () => at((u) => u.splice(i, 1)), "link"));
  const give = (key) => (v) => at((u) => { if (v === null || v === "") delete u[i].given[key]; else u[i].given[key] = v; });
  return h("li", { className: "use" }, h("h5", {}, kind.title), kind.hint && h("p", { className: "hint" }, kind.hint),
    kind.parameters.map((p) => parameter(p, use.given[p.key], give(p.key))),
    words("Called", use.title, (v) => at((u) => { u[i].title = v; })),
    button("Remove the use", () => at((u) => u.splice(i, 1)), "link"));
}

function parameter(p, value, give) {
  const unit = shown(p.unit);
  const how = { unit, hint: p.hint };
  if (p.kind === "number") return number(p.title, value, give, { ...how, empty: true });
  if (p.kind === "choice" && p.options.length) return choice(p.title, value ?? "", chosen(p.options), give, { hint: p.hint });
  if (p.kind === "text") return words(p.title, value ?? "", give, { hint: p.hint });
  if (p.kind === "direction") return direction(p, value, give);
  return table(p, value, give);
}

// Nothing is chosen beforehand: a phantom taken for granted is a wrong dose.
const chosen = (options) => (options.some(([v]) => v === "") ? options : [["", "Choose"], ...options]);
const shown = (unit) => (unit === "1" ? "" : unit.replaceAll(".", " ").replace("cm2", "cm²").replace("uGy", "µGy").replace("deg", "°"));

function direction(p, value, give) {
  const now = Array.isArray(value) ? value.join(",") : "";
  const options = BEAMS.some(([v]) => v === now) || !now ? BEAMS : [[now, `x, y, z = ${value.map((v) => said(v)).join(", ")}`], ...BEAMS];
  const own = h("details", {}, h("summary", {}, "Another direction"), words("x, y, z", now.replaceAll(",", ", "), (text) => {
    const parts = text.split(/[;,\s]+/).filter(Boolean).map(parsed);
    if (parts.length === 3 && parts.every(Number.isFinite) && parts.some(Boolean)) give(parts);
  }));
  return h("div", {}, choice(p.title, now, [["", "Choose"], ...options], (v) => give(v ? v.split(",").map(Number) : null), { hint: p.hint }), own);
}

// Bins and points, a line each, as they are pasted from a table.
function table(p, value, give) {
  const bins = p.kind === "bins";
  const text = bins
    ? Object.entries(value ?? {}).sort((a, b) => a[0] - b[0]).map(([k, v]) => `${k} ${plain(v)}`).join("\n")
    : (value ?? []).map((row) => row.map(plain).join(" ")).join("\n");
  const wide = bins ? 2 : 4;
  const frame = words(p.title, text, (typed) => {
    const rows = typed.split("\n").filter((l) => l.trim()).map((l) => l.trim().split(/[;\t ]+/).map(parsed));
    const control = frame.querySelector("textarea");
    const wrong = rows.findIndex((r) => r.length !== wide || !r.every(Number.isFinite));
    const line = typed.split("\n").filter((l) => l.trim())[wrong];
    if (wrong >= 0) return void control.refuse(`Line ${wrong + 1}: ${line.includes(",") ? unread(line) : `${wide} numbers are needed.`}`);
    const again = bins ? rows.findIndex(([k], i) => rows.slice(0, i).some(([other]) => other === k)) : -1;
    if (again >= 0) return void control.refuse(`Line ${again + 1}: ${rows[again][0]} kV stands in another line as well. Add the two.`);
    control.refuse("");
    if (!rows.length) return void give(null);
    give(bins ? Object.fromEntries(rows.map(([k, v]) => [String(k), v])) : rows);
  }, { rows: 5, hint: bins ? `A line each: kV, then ${shown(p.unit)}.` : `A line each: x, y, z in m from the source, then ${shown(p.unit)}.` });
  return frame;
}
