// The drawing as data: what is on it, what is chosen, undo; nothing of the screen.
// Lengths are metres, x to the right and y down, as in the document the service keeps.

const LISTS = ["barriers", "areas", "sources", "slabs", "storeys"];
const PREFIX = { barriers: "w", areas: "a", sources: "q", slabs: "f", storeys: "s" };
export const GRID = 0.05; // what points come to rest on when nothing is near
const DEPTH = 200; // steps that can be undone

export class Store {
  constructor(document) {
    this.doc = document;
    this.past = [];
    this.future = [];
    this.watchers = [];
    this.selected = "";
    this.storey = document.plan.storeys[0].key;
    this.held = "";
  }

  get plan() {
    return this.doc.plan;
  }

  watch(fn) {
    this.watchers.push(fn);
  }

  tell(what) {
    for (const fn of this.watchers) fn(what);
  }

  // One step that can be undone. Nothing changed is no step.
  change(fn) {
    const before = JSON.stringify(this.doc);
    fn(this.plan, this.doc);
    this.kept(before);
  }

  // A drag: many small changes that are one step when it ends.
  hold() {
    this.held = JSON.stringify(this.doc);
  }

  release() {
    if (this.held) this.kept(this.held);
    this.held = "";
  }

  kept(before) {
    if (before === JSON.stringify(this.doc)) return;
    this.past.push(before);
    if (this.past.length > DEPTH) this.past.shift();
    this.future = [];
    this.tell("document");
  }

  undo() {
    this.#go(this.past, this.future);
  }

  redo() {
    this.#go(this.future, this.past);
  }

  #go(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(this.doc));
    this.doc = JSON.parse(from.pop());
    if (!this.find(this.selected)) this.selected = "";
    if (!this.plan.storeys.some((s) => s.key === this.storey)) this.storey = this.plan.storeys[0].key;
    this.tell("document");
  }

  select(key) {
    if (key === this.selected) return;
    this.selected = key;
    const thing = this.find(key)?.item;
    if (thing?.storey) this.storey = thing.storey;
    this.tell("selection");
  }

  find(key) {
    for (const list of LISTS) {
      const item = this.plan[list].find((t) => t.key === key);
      if (item) return { list, item };
    }
    return null;
  }

  here(list) {
    return this.plan[list].filter((t) => t.storey === this.storey);
  }

  newKey(list) {
    const used = new Set(LISTS.flatMap((l) => this.plan[l].map((t) => t.key)));
    let n = this.plan[list].length + 1;
    while (used.has(`${PREFIX[list]}${n}`)) n += 1;
    return `${PREFIX[list]}${n}`;
  }

  newName(list, word) {
    const used = new Set(this.plan[list].map((t) => t.name));
    let n = 1;
    while (used.has(`${word} ${n}`)) n += 1;
    return `${word} ${n}`;
  }

  add(list, item) {
    const made = { key: this.newKey(list), storey: this.storey, ...item };
    this.change((plan) => plan[list].push(made));
    this.select(made.key);
    return made;
  }

  // What stands in a wall goes with it; what lies on a storey goes with that.
  remove(key) {
    const found = this.find(key);
    if (!found || (found.list === "storeys" && this.plan.storeys.length === 1)) return;
    this.change((plan, doc) => {
      plan[found.list] = plan[found.list].filter((t) => t.key !== key);
      plan.barriers = plan.barriers.filter((b) => b.within !== key);
      if (found.list !== "storeys") return;
      for (const list of LISTS) plan[list] = plan[list].filter((t) => t.storey !== key);
      doc.underlays = doc.underlays.filter((u) => u.storey !== key);
      if (this.storey === key) this.storey = plan.storeys[0].key;
    });
    this.select("");
  }

  move(key, dx, dy) {
    const found = this.find(key);
    if (!found) return;
    const { item } = found;
    const by = ([x, y]) => [tidy(x + dx), tidy(y + dy)];
    if (item.start) [item.start, item.end] = [by(item.start), by(item.end)];
    if (item.polygon) item.polygon = item.polygon.map(by);
    if (item.position) item.position = by(item.position);
    if (found.list === "barriers") for (const b of this.plan.barriers) if (b.within === key) [b.start, b.end] = [by(b.start), by(b.end)];
  }
}

// Millimetres are kept; what lies beyond is noise of the pointer.
export const tidy = (v) => Math.round(v * 1000) / 1000;
export const distance = ([ax, ay], [bx, by]) => Math.hypot(bx - ax, by - ay);

export function nearestOn([px, py], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
  return [ax + t * dx, ay + t * dy];
}

export const thickness = (barrier) => barrier.layers.reduce((sum, l) => sum + l.mm, 0) / 1000;

// Where a point comes to rest: on a corner, on a line, along a right angle, on the grid.
export function snap(point, { corners, lines, reach, from, straight, free }) {
  if (free) return point.map(tidy);
  const near = (list, at) => list.map(at).filter((p) => distance(p, point) <= reach).sort((a, b) => distance(a, point) - distance(b, point))[0];
  const corner = near(corners, (p) => p);
  if (corner) return corner.map(tidy);
  if (from && straight) {
    const [dx, dy] = [point[0] - from[0], point[1] - from[1]];
    const angle = (Math.round(Math.atan2(dy, dx) / (Math.PI / 4)) * Math.PI) / 4;
    const length = Math.round(Math.hypot(dx, dy) / GRID) * GRID;
    return [tidy(from[0] + length * Math.cos(angle)), tidy(from[1] + length * Math.sin(angle))];
  }
  const line = near(lines, ([a, b]) => nearestOn(point, a, b));
  if (line) return line.map(tidy);
  return point.map((v) => tidy(Math.round(v / GRID) * GRID));
}

// Place of a picture's pixel on the plan, and back.
export function ofPicture(laid, [px, py]) {
  const scale = laid.metres_per_pixel ?? 0.02;
  const turn = ((laid.turn_deg || 0) * Math.PI) / 180;
  return [laid.x + scale * (px * Math.cos(turn) - py * Math.sin(turn)), laid.y + scale * (px * Math.sin(turn) + py * Math.cos(turn))];
}

// A comma with three figures behind it may mean thousands: 4,500 is neither 4.5 nor 4500 here.
export const parsed = (text) => {
  if (/,\d{3}(?!\d)/.test(String(text))) return NaN;
  const plain = String(text).trim().replace(/\s/g, "").replace(",", ".").replace("−", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
};

// A number as it stands in a field: all of it, and so that it can be read again.
export const plain = (v) => (v === null || v === undefined ? "" : String(v));

export const said = (v, digits = 3) => {
  if (v === null || v === undefined || !Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 1e5 || size < 1e-3) {
    const [m, e] = v.toExponential(digits - 1).split("e");
    const raised = String(Number(e)).replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
    return `${m} × 10${raised}`;
  }
  return String(Number(v.toPrecision(digits))).replace("-", "−");
};

// Rounded up to a tenth or a hundredth of a millimetre: never to less than is needed.
export function up(mm) {
  const step = mm < 10 ? 100 : 10;
  return said(Math.ceil(Math.round(mm * step * 1e6) / 1e6) / step, 9);
}

// Words in lines no longer than so many characters, at most so many lines; the rest is left out.
export function inLines(words, long, most) {
  const lines = [""];
  for (const word of words.split(/\s+/)) {
    const last = lines.length - 1;
    if (!lines[last] || lines[last].length + 1 + word.length <= long) lines[last] = `${lines[last]} ${word}`.trim();
    else lines.push(word);
  }
  const shown = lines.slice(0, most).map((l) => (l.length > long ? `${l.slice(0, Math.max(1, long - 1))}…` : l));
  if (lines.length > most && !shown[most - 1].endsWith("…")) shown[most - 1] += "…";
  return shown;
}
