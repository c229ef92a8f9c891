// What the pointer and the keys do on the plan.
import { distance, nearestOn, ofPicture, parsed, said, snap, tidy } from "./plan.js";
import { svg } from "./stage.js";

export const TOOLS = [
  ["select", "Select", "v", "Choose and move things. Hold Alt to leave the grid."],
  ["wall", "Wall", "w", "Click from corner to corner; Enter or double-click ends. Type a length in metres for an exact one. Shift keeps right angles."],
  ["door", "Door", "d", "Click where it begins and ends in a wall."],
  ["window", "Window", "n", "Click where it begins and ends in a wall."],
  ["screen", "Screen", "s", "Click where it begins and ends."],
  ["area", "Area", "a", "Click the corners of a place to protect; Enter closes it."],
  ["source", "Source", "q", "Click where the radiation starts from: patient, isocentre or focus."],
  ["scale", "Scale", "c", "Click the two ends of a length you know, then type it."],
  ["measure", "Measure", "m", "Click two points."],
];
const WORDS = { wall: "Wall", door: "Door", window: "Window", screen: "Screen" };
export const HEIGHT = "How high above the floor does the radiation start from, in metres?";
const MOVED = 3; // pixels before a press is a drag

export class Tools {
  constructor(stage, store, { ask, say, mayDraw }) {
    Object.assign(this, { stage, store, ask, say, mayDraw, tool: "select", points: [], typed: "", drag: null, pointer: [0, 0] });
    const { root } = stage;
    root.addEventListener("pointerdown", (e) => this.#down(e));
    root.addEventListener("pointermove", (e) => this.#move(e));
    root.addEventListener("pointerup", (e) => this.#up(e));
    root.addEventListener("pointercancel", () => this.#drop());
    root.addEventListener("dblclick", () => this.#finish());
    root.addEventListener("wheel", (e) => { e.preventDefault(); stage.zoom(Math.exp(e.deltaY * 0.0015), stage.at(e)); }, { passive: false });
    root.addEventListener("contextmenu", (e) => { if (this.points.length) { e.preventDefault(); this.cancel(); } });
    root.addEventListener("keydown", (e) => this.#key(e));
  }

  pick(tool) {
    if (!this.mayDraw && !["select", "measure"].includes(tool)) return;
    this.cancel();
    this.tool = tool;
    this.stage.root.dataset.tool = tool;
    this.store.tell("tool");
    this.say(TOOLS.find(([key]) => key === tool)[3]);
  }

  cancel() {
    this.points = [];
    this.typed = "";
    this.#show();
  }

  #rest(event) {
    const { store, stage } = this;
    const barriers = store.here("barriers");
    const laid = stage.laid();
    const under = laid.flatMap((l) => (stage.pictures.get(l.underlay).lines ?? []).map(([a, b, c, d]) => [ofPicture(l, [a, b]), ofPicture(l, [c, d])]));
    return snap(stage.at(event), {
      corners: [...barriers.flatMap((b) => [b.start, b.end]), ...store.here("areas").flatMap((a) => a.polygon), ...under.flat()],
      lines: [...barriers.map((b) => [b.start, b.end]), ...under],
      reach: 9 * stage.px, from: this.points.at(-1), straight: event.shiftKey, free: event.altKey,
    });
  }

  #down(event) {
    this.stage.root.focus({ preventScroll: true });
    if (event.button === 1 || (event.button === 0 && event.ctrlKey)) {
      this.drag = { kind: "pan", x: event.clientX, y: event.clientY };
      this.stage.root.setPointerCapture(event.pointerId);
      event.preventDefault();
      return;
    }
    if (event.button !== 0) return;
    if (this.tool === "select") this.#grab(event);
    else this.#click(this.#rest(event));
  }

  #grab(event) {
    const handle = event.target.closest?.("[data-handle]");
    const thing = event.target.closest?.("[data-key]");
    const at = this.stage.at(event);
    this.stage.root.setPointerCapture(event.pointerId);
    if (handle && this.mayDraw) this.drag = { kind: "handle", index: Number(handle.dataset.handle), key: this.store.selected, x: event.clientX, y: event.clientY };
    else if (thing) {
      this.store.select(thing.dataset.key);
      this.drag = this.mayDraw ? { kind: "thing", key: thing.dataset.key, at, x: event.clientX, y: event.clientY } : null;
    } else {
      this.store.select("");
      this.drag = { kind: "pan", x: event.clientX, y: event.clientY };
    }
  }

  #move(event) {
    this.pointer = this.#rest(event);
    if (!this.drag) {
      if (this.tool !== "select") this.#show();
      return;
    }
    const { drag, stage, store } = this;
    if (drag.kind === "pan") {
      stage.pan((drag.x - event.clientX) * stage.px, (drag.y - event.clientY) * stage.px);
      [drag.x, drag.y] = [event.clientX, event.clientY];
      return;
    }
    if (!drag.moving && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < MOVED) return;
    if (!drag.moving) store.hold();
    drag.moving = true;
    const found = store.find(drag.key);
    if (!found) return;
    if (drag.kind === "handle") {
      const { item } = found;
      if (item.start) item[drag.index ? "end" : "start"] = this.#onWall(item, this.pointer);
      else item.polygon[drag.index] = this.pointer;
    } else if (found.item.position) found.item.position = this.pointer;
    else {
      const at = stage.at(event);
      const step = event.altKey ? 0.001 : 0.05;
      const by = [at[0] - drag.at[0], at[1] - drag.at[1]].map((v) => Math.round(v / step) * step);
      store.move(drag.key, ...by);
      drag.at = [drag.at[0] + by[0], drag.at[1] + by[1]];
    }
    stage.draw();
  }

  // A door stays in its wall.
  #onWall(item, point) {
    const wall = item.within && this.store.find(item.within)?.item;
    return wall ? nearestOn(point, wall.start, wall.end).map(tidy) : point;
  }

  #up() {
    if (this.drag?.moving) this.store.release();
    this.drag = null;
  }

  #drop() {
    this.drag = null;
    this.store.release();
  }

  #click(point) {
    const { store, tool } = this;
    if (tool === "source") return void this.#source(point);
    if (tool === "door" || tool === "window") {
      const wall = this.#wallAt(point);
      if (!this.points.length && !wall) return void this.say("A door or window stands in a wall: click on one.");
      if (!this.points.length) this.within = wall;
      this.points.push(nearestOn(point, this.within.start, this.within.end).map(tidy));
      if (this.points.length === 2) this.#opening();
      return void this.#show();
    }
    if (this.points.length && distance(point, this.points.at(-1)) < 1e-6) return;
    if (tool === "area" && this.points.length > 2 && distance(point, this.points[0]) < 1e-6) return void this.#finish();
    this.points.push(point);
    if (tool === "wall" && this.points.length > 1) this.#barrier(this.points.at(-2), this.points.at(-1));
    if (tool === "screen" && this.points.length === 2) {
      this.#barrier(...this.points);
      this.points = [];
    }
    if (["scale", "measure"].includes(tool) && this.points.length === 2) this.#length();
    this.typed = "";
    this.#show();
  }

  // Where radiation starts from is not guessed: its height decides what it passes over.
  async #source(point) {
    const { store } = this;
    const height = parsed((await this.ask(HEIGHT, "")) ?? "");
    this.pick("select");
    if (!(height >= 0)) return void this.say("No source was placed: its height is needed, in metres.");
    store.add("sources", { name: store.newName("sources", "Source"), position: point, height_m: height, uses: [], system: "" });
  }

  #wallAt(point) {
    const reach = 12 * this.stage.px;
    const near = (b) => distance(point, nearestOn(point, b.start, b.end));
    return this.store.here("barriers").filter((b) => ["wall", "screen"].includes(b.kind) && near(b) <= reach).sort((a, b) => near(a) - near(b))[0];
  }

  // New walls are built as the one chosen or drawn last is: a plan has few kinds.
  #barrier(start, end) {
    const { store, tool } = this;
    const like = [store.find(store.selected)?.item, ...[...store.plan.barriers].reverse()].find((b) => b?.kind === tool);
    const layers = like ? like.layers.map((l) => ({ ...l })) : [];
    const points = this.points;
    store.add("barriers", { name: store.newName("barriers", WORDS[tool]), kind: tool, start, end, layers, within: "", bottom_m: 0, top_m: null });
    this.points = points;
  }

  #opening() {
    const { store, tool } = this;
    const [start, end] = this.points;
    this.points = [];
    if (distance(start, end) < 0.05) return;
    const like = [...store.plan.barriers].reverse().find((b) => b.kind === tool);
    store.add("barriers", {
      name: store.newName("barriers", WORDS[tool]), kind: tool, start, end, within: this.within.key, layers: like ? like.layers.map((l) => ({ ...l })) : [],
      bottom_m: 0, top_m: null,
    });
    this.pick("select");
  }

  async #length() {
    const [a, b] = this.points;
    const long = distance(a, b);
    if (this.tool === "measure") {
      this.say(`${said(long, 4)} m`);
      return;
    }
    const laid = this.stage.laid().at(-1);
    if (!laid) {
      this.points = [];
      return void this.say("There is no picture under this storey to give a scale. Import one first.");
    }
    const text = await this.ask("How long is that in reality, in metres?", "");
    const real = text === null ? NaN : parsed(text);
    this.points = [];
    if (!(real > 0)) {
      if (text !== null) this.say("The scale is unchanged: give a length above zero, in metres.");
      return void this.#show();
    }
    const key = this.store.doc.underlays.indexOf(laid);
    this.store.change((plan, doc) => {
      const of = doc.underlays[key];
      const factor = real / long;
      // The first point stays where it is on the screen.
      of.metres_per_pixel = (of.metres_per_pixel ?? 0.02) * factor;
      of.x = tidy(a[0] + (of.x - a[0]) * factor);
      of.y = tidy(a[1] + (of.y - a[1]) * factor);
    });
    this.say(`Scale set: ${said(real, 4)} m.`);
    this.pick("select");
    this.stage.fit();
  }

  #finish() {
    const { store, tool, points } = this;
    if (tool === "area" && points.length > 2) {
      const polygon = points.slice();
      this.points = [];
      store.add("areas", { name: store.newName("areas", "Area"), polygon, occupancy: 1, occupancy_why: "", designation: "uncontrolled", goal: null });
      this.pick("select");
    }
    this.cancel();
  }

  #key(event) {
    const { store, stage, points } = this;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in arrows) {
      const [dx, dy] = arrows[event.key];
      const step = event.shiftKey ? 0.5 : 0.05;
      if (store.selected && this.mayDraw) { store.hold(); store.move(store.selected, dx * step, dy * step); store.release(); }
      else stage.pan(dx * 40 * stage.px, dy * 40 * stage.px);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (this.typed) this.typed = this.typed.slice(0, -1);
      else if (this.mayDraw) store.remove(store.selected);
    } else if (event.key === "Escape") {
      if (points.length) this.cancel();
      else { store.select(""); this.pick("select"); }
    } else if (event.key === "Enter") {
      if (this.typed && points.length) this.#typedLength();
      else this.#finish();
    } else if (points.length && this.tool === "wall" && /^[\d.,]$/.test(event.key)) {
      this.typed += event.key;
      this.#show();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #typedLength() {
    const long = parsed(this.typed);
    const [from, to] = [this.points.at(-1), this.pointer];
    const now = distance(from, to);
    this.typed = "";
    if (!(long > 0) || !now) return;
    this.#click([0, 1].map((i) => tidy(from[i] + ((to[i] - from[i]) * long) / now)));
  }

  // The line being drawn, with its length.
  #show() {
    const { stage, points, pointer, tool } = this;
    const { px } = stage;
    const all = points.length ? [...points, pointer] : [];
    stage.ghost = [];
    if (tool !== "select") stage.ghost.push(svg("circle", { cx: pointer[0], cy: pointer[1], r: 4 * px, class: "spot", "stroke-width": px }));
    if (all.length > 1 && !(["scale", "measure"].includes(tool) && points.length === 2)) {
      stage.ghost.push(svg(tool === "area" ? "polygon" : "polyline", { points: all.map((p) => p.join(",")).join(" "), class: "line", "stroke-width": 2 * px }));
      const from = all.at(-2);
      stage.ghost.push(svg("text", { x: (from[0] + pointer[0]) / 2, y: (from[1] + pointer[1]) / 2 - 8 * px, "font-size": 12 * px, "text-anchor": "middle" }, this.typed ? `${this.typed} m` : `${said(distance(from, pointer), 4)} m`));
    } else if (points.length === 2) stage.ghost.push(svg("polyline", { points: points.map((p) => p.join(",")).join(" "), class: "line", "stroke-width": 2 * px }));
    stage.draw();
  }
}
