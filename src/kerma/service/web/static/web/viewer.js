// The phantom viewer: a canvas with the frame, an SVG with the regions, a list beside them.
// Data: {frames: [{url, rows, columns, type, slope, intercept, label}], window: {centre, width},
// unit, spacing_mm, regions: [{name, shape, points, frame, values: [[name, text]]}]}.
import { drawRegion, moved } from "./regions.js";

const KINDS = { uint16: Uint16Array, int16: Int16Array };
const part = (root, name) => root.querySelector(`[data-part=${name}]`);

class Viewer {
  constructor(root) {
    this.root = root;
    for (const name of ["stage", "film", "list", "place", "centre", "width", "probe", "error", "form"]) {
      this[name] = part(root, name);
    }
    this.canvas = root.querySelector("canvas");
    this.svg = root.querySelector("svg[aria-label]");
    this.cache = new Map();
    this.changed = new Map();
    this.at = 0;
    this.zoom = 1;
    this.chosen = -1;
  }

  async start() {
    try {
      const answer = await fetch(this.root.dataset.viewer, { headers: { Accept: "application/json" } });
      const data = await answer.json();
      if (!answer.ok) throw new Error(data.message ?? "The image could not be read.");
      this.data = data;
      this.original = data.regions.map((region) => structuredClone(region));
      this.level = { ...data.window };
      this.listen();
      this.listRegions();
      await this.go(0);
      this.fit();
    } catch (error) {
      this.error.textContent = `No image: ${error.message}`;
      this.error.hidden = false;
    }
    this.root.dataset.ready = "1";
  }

  get frame() {
    return this.data.frames[this.at];
  }

  async pixels(index) {
    if (!this.cache.has(index)) {
      const { url, type, rows, columns } = this.data.frames[index];
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`frame ${index + 1} did not arrive`);
      const values = new KINDS[type](await answer.arrayBuffer());
      if (values.length !== rows * columns) throw new Error(`frame ${index + 1} has the wrong size`);
      if (this.cache.size > 12) this.cache.delete(this.cache.keys().next().value);
      this.cache.set(index, values);
    }
    return this.cache.get(index);
  }

  async go(index) {
    this.at = Math.min(Math.max(index, 0), this.data.frames.length - 1);
    const asked = this.at;
    const values = await this.pixels(asked);
    if (asked !== this.at) return; // the wheel has moved on
    this.values = values;
    const { rows, columns, label } = this.frame;
    this.canvas.width = columns;
    this.canvas.height = rows;
    // Pixel centres are at integers, so the picture begins half a pixel before zero.
    this.svg.setAttribute("viewBox", `-0.5 -0.5 ${columns} ${rows}`);
    this.place.textContent = `${label ?? "Image"} · ${this.at + 1} of ${this.data.frames.length}`;
    this.paint();
    this.drawRegions();
  }

  paint() {
    const { rows, columns, slope, intercept } = this.frame;
    const { centre, width } = this.level;
    const picture = new ImageData(columns, rows);
    const grey = new Uint32Array(picture.data.buffer);
    const low = centre - width / 2;
    for (let i = 0; i < grey.length; i += 1) {
      const share = (this.values[i] * slope + intercept - low) / width;
      const g = share <= 0 ? 0 : share >= 1 ? 255 : Math.round(255 * share);
      grey[i] = 0xff000000 | (g << 16) | (g << 8) | g;
    }
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
    this.centre.value = Number(centre.toPrecision(5));
    this.width.value = Number(width.toPrecision(5));
  }

  size(zoom) {
    this.zoom = Math.min(Math.max(zoom, 0.05), 32);
    this.film.style.width = `${this.frame.columns * this.zoom}px`;
    this.film.style.height = `${this.frame.rows * this.zoom}px`;
    for (const text of this.svg.querySelectorAll("text")) text.setAttribute("font-size", 12 / this.zoom);
  }

  fit() {
    const { rows, columns } = this.frame;
    this.size(Math.min(this.stage.clientWidth / columns, this.stage.clientHeight / rows));
  }

  shown() {
    return this.data.regions.map((region, i) => [region, i]).filter(([r]) => r.frame === this.at);
  }

  drawRegions() {
    this.svg.replaceChildren(...this.shown().map(([region, i]) => {
      const group = drawRegion(region);
      group.dataset.index = i;
      group.setAttribute("aria-pressed", String(i === this.chosen));
      return group;
    }));
    this.size(this.zoom);
  }

  listRegions() {
    this.list.replaceChildren(...this.data.regions.map((region, i) => {
      const row = document.createElement("tr");
      const name = document.createElement("td");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = region.name;
      button.addEventListener("click", () => this.choose(i));
      name.append(button);
      const values = document.createElement("td");
      values.textContent = (region.values ?? []).map(([key, text]) => `${key} ${text}`).join(" · ");
      row.append(name, values);
      return row;
    }));
  }

  async choose(index) {
    this.chosen = index;
    const region = this.data.regions[index];
    [...this.list.rows].forEach((row, i) => row.setAttribute("aria-selected", String(i === index)));
    if (region && region.frame !== this.at) await this.go(region.frame);
    else this.drawRegions();
    this.fillForm();
  }

  fillForm() {
    if (!this.form || this.chosen < 0) return;
    const { name, points: [[x, y]] } = this.data.regions[this.chosen];
    this.form.hidden = false;
    part(this.form, "chosen").textContent = name;
    part(this.form, "x").value = Number(x.toFixed(2));
    part(this.form, "y").value = Number(y.toFixed(2));
    const spacing = this.data.spacing_mm;
    part(this.form, "mm").textContent = spacing
      ? `${(x * spacing[1]).toFixed(2)} mm, ${(y * spacing[0]).toFixed(2)} mm from the corner` : "";
  }

  move(dx, dy) {
    if (!this.form || this.chosen < 0) return;
    const region = moved(this.data.regions[this.chosen], dx, dy);
    this.data.regions[this.chosen] = region;
    this.changed.set(this.chosen, { index: this.chosen, ...region, values: undefined });
    this.form.elements.regions.value = JSON.stringify([...this.changed.values()]);
    this.drawRegions();
    this.fillForm();
    this.svg.querySelector(`[data-index="${this.chosen}"]`)?.focus();
  }

  undo() {
    this.data.regions = this.original.map((region) => structuredClone(region));
    this.changed.clear();
    this.form.elements.regions.value = "";
    this.drawRegions();
    this.fillForm();
  }

  probeAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left) / this.zoom);
    const y = Math.floor((event.clientY - box.top) / this.zoom);
    const { rows, columns, slope, intercept } = this.frame;
    const inside = this.values && x >= 0 && y >= 0 && x < columns && y < rows;
    const value = inside ? this.values[y * columns + x] * slope + intercept : 0;
    this.probe.textContent = inside ? `${x}, ${y}: ${Number(value.toPrecision(6))} ${this.data.unit ?? ""}` : "";
  }

  drag(start) {
    if (start.button !== 0 || start.target.closest("g")) return;
    const from = { ...this.level };
    const step = from.width / 300;
    this.stage.setPointerCapture(start.pointerId);
    const track = (event) => {
      this.level.width = Math.max(step, from.width + (event.clientX - start.clientX) * step);
      this.level.centre = from.centre + (event.clientY - start.clientY) * step;
      this.paint();
    };
    this.stage.addEventListener("pointermove", track);
    const stop = () => this.stage.removeEventListener("pointermove", track);
    this.stage.addEventListener("pointerup", stop, { once: true });
    this.stage.addEventListener("pointercancel", stop, { once: true });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const region = event.target.closest("g[data-index]");
    const step = event.shiftKey ? 10 : 1;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [dx, dy] = arrows[event.key] ?? [0, 0];
    if (region && (event.key === "Enter" || event.key === " ")) this.choose(Number(region.dataset.index));
    else if (region && (dx || dy) && this.form) {
      if (this.chosen !== Number(region.dataset.index)) this.choose(Number(region.dataset.index));
      this.move(dx * step, dy * step);
    } else if (dy) this.go(this.at + dy);
    else if (event.key === "+" || event.key === "=") this.size(this.zoom * 1.25);
    else if (event.key === "-" || event.key === "−") this.size(this.zoom / 1.25);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  listen() {
    const acts = {
      previous: () => this.go(this.at - 1), next: () => this.go(this.at + 1), fit: () => this.fit(),
      in: () => this.size(this.zoom * 1.25), out: () => this.size(this.zoom / 1.25), undo: () => this.undo(),
    };
    this.root.addEventListener("click", ({ target }) => acts[target.closest("[data-do]")?.dataset.do]?.());
    this.svg.addEventListener("click", ({ target }) => {
      const group = target.closest("g[data-index]");
      if (group) this.choose(Number(group.dataset.index));
    });
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("pointerdown", (event) => this.drag(event));
    this.stage.addEventListener("pointermove", (event) => this.probeAt(event));
    this.stage.addEventListener("wheel", (event) => {
      if (this.data.frames.length < 2 || event.ctrlKey) return;
      event.preventDefault();
      this.go(this.at + Math.sign(event.deltaY));
    }, { passive: false });
    for (const name of ["centre", "width"]) {
      this[name].addEventListener("change", () => {
        const value = Number(this[name].value);
        if (Number.isFinite(value) && (name === "centre" || value > 0)) this.level[name] = value;
        this.paint();
      });
    }
    for (const [name, axis] of [["x", 0], ["y", 1]]) {
      this.form && part(this.form, name).addEventListener("change", ({ target }) => {
        const shift = Number(target.value) - this.data.regions[this.chosen].points[0][axis];
        if (Number.isFinite(shift)) this.move(axis ? 0 : shift, axis ? shift : 0);
      });
    }
  }
}

for (const root of document.querySelectorAll("[data-viewer]")) new Viewer(root).start();
