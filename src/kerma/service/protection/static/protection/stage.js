// The plan on the screen: an SVG in metres, drawn anew after each change.
import { inLines, ofPicture, said, thickness, up } from "./plan.js";

const NS = "http://www.w3.org/2000/svg";
const SMALLEST = 0.3; // m across the screen
const LARGEST = 2000;

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class Stage {
  constructor(root, store, pictures) {
    this.root = root;
    this.store = store;
    this.pictures = pictures;
    this.view = { x: -1, y: -1, w: 12 };
    this.result = null;
    this.map = null;
    this.ghost = [];
    this.layers = {};
    for (const name of ["pictures", "grid", "map", "areas", "barriers", "sources", "points", "ghost", "ruler"]) {
      this.layers[name] = svg("g", { class: name });
      root.append(this.layers[name]);
    }
    new ResizeObserver(() => this.look()).observe(root);
  }

  get px() {
    return this.view.w / (this.root.clientWidth || 1);
  }

  get box() {
    const h = this.view.w * ((this.root.clientHeight || 1) / (this.root.clientWidth || 1));
    return [this.view.x, this.view.y, this.view.x + this.view.w, this.view.y + h];
  }

  look() {
    const [x0, y0, x1, y1] = this.box;
    this.root.setAttribute("viewBox", `${x0} ${y0} ${x1 - x0} ${y1 - y0}`);
    this.draw();
  }

  at(event) {
    const box = this.root.getBoundingClientRect();
    return [this.view.x + (event.clientX - box.left) * this.px, this.view.y + (event.clientY - box.top) * this.px];
  }

  zoom(factor, at) {
    const [x0, y0, x1, y1] = this.box;
    const [cx, cy] = at ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    const w = Math.max(SMALLEST, Math.min(LARGEST, this.view.w * factor));
    const k = w / this.view.w;
    this.view = { x: cx - (cx - this.view.x) * k, y: cy - (cy - this.view.y) * k, w };
    this.look();
  }

  pan(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.look();
  }

  // Everything of the storey, with a margin; an empty one shows ten metres.
  fit() {
    const points = this.extent();
    if (!points.length) points.push([0, 0], [10, 6]);
    const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const shape = (this.root.clientHeight || 1) / (this.root.clientWidth || 1);
    const w = Math.max(x1 - x0, (y1 - y0) / shape, 1) * 1.16;
    this.view = { x: (x0 + x1 - w) / 2, y: (y0 + y1 - w * shape) / 2, w };
    this.look();
  }

  extent() {
    const { store } = this;
    const points = [
      ...store.here("barriers").flatMap((b) => [b.start, b.end]),
      ...store.here("areas").flatMap((a) => a.polygon),
      ...store.here("sources").map((s) => s.position),
    ];
    for (const laid of this.laid()) {
      const { width, height } = this.pictures.get(laid.underlay);
      points.push(ofPicture(laid, [0, 0]), ofPicture(laid, [width, height]), ofPicture(laid, [width, 0]), ofPicture(laid, [0, height]));
    }
    return points;
  }

  laid() {
    return this.store.doc.underlays.filter((u) => u.storey === this.store.storey && u.shown && this.pictures.has(u.underlay));
  }

  draw() {
    this.#pictures();
    this.#grid();
    this.#map();
    this.layers.areas.replaceChildren(...this.store.here("areas").map((a) => this.#area(a)));
    const order = { wall: 0, screen: 1, window: 2, door: 3 };
    const barriers = [...this.store.here("barriers")].sort((a, b) => order[a.kind] - order[b.kind]);
    this.layers.barriers.replaceChildren(...barriers.map((b) => this.#barrier(b)));
    this.layers.sources.replaceChildren(...this.store.here("sources").map((s) => this.#source(s)));
    this.layers.points.replaceChildren(...this.#points());
    this.layers.ghost.replaceChildren(...this.#handles(), ...this.ghost);
  }

  #pictures() {
    this.layers.pictures.replaceChildren(
      ...this.laid().map((laid) => {
        const of = this.pictures.get(laid.underlay);
        const scale = laid.metres_per_pixel ?? 0.02;
        return svg("image", { href: of.url, width: of.width, height: of.height, transform: `translate(${laid.x} ${laid.y}) rotate(${laid.turn_deg || 0}) scale(${scale})` });
      }),
    );
  }

  #grid() {
    const [x0, y0, x1, y1] = this.box;
    const step = [0.1, 0.5, 1, 5, 10, 50, 100].find((s) => s / this.px >= 34) ?? 500;
    const lines = [];
    for (let x = Math.ceil(x0 / step) * step; x <= x1; x += step) lines.push(`M${x} ${y0}V${y1}`);
    for (let y = Math.ceil(y0 / step) * step; y <= y1; y += step) lines.push(`M${x0} ${y}H${x1}`);
    this.layers.grid.replaceChildren(svg("path", { d: lines.join(""), "stroke-width": this.px * 0.5 }));
    const length = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200].find((s) => s / this.px >= 70) ?? 500;
    const [x, y] = [x0 + 14 * this.px, y1 - 14 * this.px];
    this.layers.ruler.replaceChildren(
      svg("path", { class: "rule", d: `M${x} ${y - 5 * this.px}V${y}H${x + length}V${y - 5 * this.px}`, "stroke-width": 1.5 * this.px }),
      this.#text([x + length / 2, y - 5 * this.px], `${length} m`, "rule-text"),
    );
  }

  #map() {
    const { map } = this;
    const image = map && map.storey === this.store.storey ? [svg("image", { href: map.url, x: map.x, y: map.y, width: map.width, height: map.height, preserveAspectRatio: "none" })] : [];
    this.layers.map.replaceChildren(...image);
  }

  #text([x, y], words, cls = "", size = 12) {
    return svg("text", { x, y, class: cls, "font-size": size * this.px, "text-anchor": "middle" }, words);
  }

  #area(area) {
    const finding = this.result?.areas?.find((a) => a.key === area.key);
    const state = !finding ? "" : finding.adequate === true ? "good" : finding.adequate === false ? "bad" : "unknown";
    const middle = centre(area.polygon);
    const mark = { good: "✓ ", bad: "▲ ", unknown: "○ " }[state] ?? "";
    // A name keeps to its place: some seven pixels a letter, in lines, the whole of it on a tooltip.
    const wide = Math.max(...area.polygon.map((p) => p[0])) - Math.min(...area.polygon.map((p) => p[0]));
    const lines = inLines(`${mark}${area.name}`, Math.max(8, Math.floor(wide / this.px / 7)), 3);
    const line = (n) => [middle[0], middle[1] + 15 * (n - (lines.length - 1) / 2) * this.px];
    return svg(
      "g",
      { class: `area ${state} ${this.#chosen(area)}`, "data-key": area.key },
      svg("polygon", { points: area.polygon.map((p) => p.join(",")).join(" "), "stroke-width": this.px }),
      svg("title", {}, area.name),
      ...lines.map((words, n) => this.#text(line(n), words, "name")),
      this.#text(line(lines.length), `T = ${said(area.occupancy)}`, "minor", 11),
    );
  }

  #barrier(barrier) {
    const [[ax, ay], [bx, by]] = [barrier.start, barrier.end];
    const need = this.result?.needs?.find((n) => n.key === barrier.key && n.extra_mm > 0);
    const wide = Math.max(thickness(barrier), 3 * this.px);
    const made = svg(
      "g",
      { class: `barrier ${barrier.kind} ${need ? "needs" : ""} ${barrier.layers.length ? "" : "bare"} ${this.#chosen(barrier)}`, "data-key": barrier.key },
      svg("line", { x1: ax, y1: ay, x2: bx, y2: by, "stroke-width": wide, class: "body" }),
      svg("line", { x1: ax, y1: ay, x2: bx, y2: by, "stroke-width": Math.max(wide, 14 * this.px), class: "touch" }),
    );
    if (barrier.kind === "door" || barrier.kind === "window") made.prepend(svg("line", { x1: ax, y1: ay, x2: bx, y2: by, "stroke-width": wide + 3 * this.px, class: "gap" }));
    if (need) made.append(this.#text([ax + 0.27 * (bx - ax), ay + 0.27 * (by - ay) - 9 * this.px], `+ ${up(need.extra_mm)} mm ${need.material.replaceAll("_", " ")}`, "need"));
    return made;
  }

  #source(source) {
    const [x, y] = source.position;
    const r = 8 * this.px;
    const beams = source.uses.map((u) => u.given.direction ?? u.given.beam).filter((d) => Array.isArray(d) && (d[0] || d[1]));
    return svg(
      "g",
      { class: `source ${source.uses.length ? "" : "bare"} ${this.#chosen(source)}`, "data-key": source.key },
      ...beams.map(([dx, dy]) => {
        const long = (26 * this.px) / Math.hypot(dx, dy);
        return svg("line", { x1: x, y1: y, x2: x + dx * long, y2: y + dy * long, "stroke-width": 2 * this.px, class: "beam" });
      }),
      svg("circle", { cx: x, cy: y, r, "stroke-width": 1.5 * this.px }),
      svg("path", { d: trefoil(x, y, r), class: "leaf" }),
      this.#text([x, y + 22 * this.px], source.name, "name"),
    );
  }

  #points() {
    const here = this.result?.areas?.filter((a) => a.point && this.store.plan.areas.some((b) => b.key === a.key && b.storey === this.store.storey)) ?? [];
    return here.map((a) => {
      const [x, y] = a.point;
      const r = 4 * this.px;
      // Of small places that are within only the mark stands: their numbers would lie on one another.
      const across = this.store.find(a.key).item.polygon.map((p) => p[0]);
      const told = a.adequate !== true || Math.max(...across) - Math.min(...across) > 100 * this.px;
      return svg("g", { class: `worst ${a.adequate ? "" : "bad"}` },
        svg("path", { d: `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`, "stroke-width": 2 * this.px }),
        ...(told ? [this.#text([x, y - 7 * this.px], `${said(a.kerma)} mGy`, "minor", 11)] : []));
    });
  }

  #handles() {
    const found = this.store.find(this.store.selected);
    if (!found || found.item.storey !== this.store.storey) return [];
    return corners(found.item).map((p, i) =>
      svg("rect", { x: p[0] - 5 * this.px, y: p[1] - 5 * this.px, width: 10 * this.px, height: 10 * this.px, class: "handle", "data-handle": i, "stroke-width": this.px }),
    );
  }

  #chosen(thing) {
    return thing.key === this.store.selected ? "chosen" : "";
  }
}

export const corners = (item) => (item.start ? [item.start, item.end] : item.polygon ?? []);

export function centre(polygon) {
  let [area, x, y] = [0, 0, 0];
  polygon.forEach(([ax, ay], i) => {
    const [bx, by] = polygon[(i + 1) % polygon.length];
    const part = ax * by - bx * ay;
    area += part;
    x += (ax + bx) * part;
    y += (ay + by) * part;
  });
  if (Math.abs(area) > 1e-9) return [x / (3 * area), y / (3 * area)];
  return polygon.length ? [polygon.reduce((s, p) => s + p[0], 0) / polygon.length, polygon.reduce((s, p) => s + p[1], 0) / polygon.length] : [0, 0];
}

// ISO 361: a disc of radius R, blades from 1.5 R to 5 R, one of them downward.
function trefoil(x, y, r) {
  const leaf = (from) => {
    const at = (k, deg) => `${x + k * r * Math.cos((deg * Math.PI) / 180)} ${y - k * r * Math.sin((deg * Math.PI) / 180)}`;
    return `M${at(0.255, from)}L${at(0.85, from)}A${0.85 * r} ${0.85 * r} 0 0 0 ${at(0.85, from + 60)}L${at(0.255, from + 60)}Z`;
  };
  const disc = `M${x - 0.17 * r} ${y}a${0.17 * r} ${0.17 * r} 0 1 0 ${0.34 * r} 0a${0.17 * r} ${0.17 * r} 0 1 0 ${-0.34 * r} 0Z`;
  return leaf(0) + leaf(120) + leaf(240) + disc;
}
