// A skin dose map one can turn about. The surface is drawn here, cell by cell into an image with a depth
// of its own for each pixel, so that it needs neither a graphics card nor anybody's library, and a pixel
// has exactly its colour of the scale: dose is never shaded. Patient: x left, y posterior, z cranial (mm).
const STEP = 10; // degrees a key press turns
const DRAG = 0.4; // degrees a pixel of dragging turns
const RING = 100; // mm between the rings drawn around the patient
const LINE = "rgba(70,82,76,.45)";
const SLACK = 1e-3; // a pixel on the edge of two cells belongs to one of them
const EDGE = 0xff6a7670; // outline of the patient, as ABGR
const SIDES = ["back", "left back", "left", "left front", "front", "right front", "right", "right back"];
const rad = (degrees) => (degrees * Math.PI) / 180;
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

function abgr(hex) {
  const n = parseInt(hex.slice(1), 16);
  return (0xff000000 | ((n & 255) << 16) | (n & 0xff00) | (n >> 16)) >>> 0;
}

// The four corners of every cell, counter-clockwise as seen from outside.
function quadsOf(grids, count) {
  const quads = new Int32Array(4 * count);
  for (const { cell, corner, nu, nv, closed } of grids) {
    const wide = closed ? nu : nu + 1;
    for (let j = 0; j < nv; j += 1) {
      for (let i = 0; i < nu; i += 1) {
        const right = (i + 1) % wide;
        const at = corner + wide * j;
        quads.set([at + i, at + right, at + wide + right, at + wide + i], 4 * (cell + nu * j + i));
      }
    }
  }
  return quads;
}

class Body {
  constructor(data) {
    this.data = data;
    this.corners = Float32Array.from(new Int16Array(bytes(data.corners)), (n) => n / 10);
    this.dose = new Float32Array(bytes(data.dose));
    this.step = new Int8Array(bytes(data.step));
    this.hits = new Uint16Array(bytes(data.hits));
    this.quads = quadsOf(data.grids, this.dose.length);
    this.colours = Uint32Array.from([data.undosed, ...data.steps.map((s) => s.colour)], abgr);
    this.screen = new Float32Array(this.corners.length);
    const z = this.corners.filter((_, i) => i % 3 === 2);
    this.low = z.reduce((a, b) => Math.min(a, b));
    this.high = z.reduce((a, b) => Math.max(a, b));
    this.half = this.corners.reduce((most, n, i) => (i % 3 < 2 ? Math.max(most, Math.abs(n)) : most), 1);
    this.facing = new Uint8Array(this.dose.length);
  }

  // The part with dose along the patient, with some way around it.
  dosed() {
    let [low, high] = [Infinity, -Infinity];
    this.step.forEach((step, cell) => {
      if (step < 0) return;
      low = Math.min(low, this.corners[3 * this.quads[4 * cell] + 2]);
      high = Math.max(high, this.corners[3 * this.quads[4 * cell + 2] + 2]);
    });
    return low < high ? [Math.max(this.low, low - 150), Math.min(this.high, high + 150)] : [this.low, this.high];
  }

  centre(cell) {
    const sum = [0, 0, 0];
    for (let k = 0; k < 4; k += 1) {
      for (let n = 0; n < 3; n += 1) sum[n] += this.corners[3 * this.quads[4 * cell + k] + n] / 4;
    }
    return sum;
  }

  project({ right, up, towards, scale, x0, y0, z0 }) {
    const { corners, screen } = this;
    for (let i = 0; i < corners.length; i += 3) {
      const [x, y, z] = [corners[i], corners[i + 1], corners[i + 2] - z0];
      screen[i] = x0 + scale * (x * right[0] + y * right[1]);
      screen[i + 1] = y0 - scale * (x * up[0] + y * up[1] + z * up[2]);
      screen[i + 2] = x * towards[0] + y * towards[1] + z * towards[2];
    }
  }

  // Fill colours and cell numbers of an image of width × height pixels.
  raster(pixels, cellAt, width, height) {
    const depth = new Float32Array(width * height).fill(-Infinity);
    const { screen: s, quads, step, colours } = this;
    pixels.fill(0);
    cellAt.fill(-1);
    for (let cell = 0; cell < step.length; cell += 1) {
      const a = 3 * quads[4 * cell], b = 3 * quads[4 * cell + 1];
      const c = 3 * quads[4 * cell + 2], d = 3 * quads[4 * cell + 3];
      const ax = s[a], ay = s[a + 1], bx = s[b], by = s[b + 1];
      const cx = s[c], cy = s[c + 1], dx = s[d], dy = s[d + 1];
      // Turned towards the viewer: counter-clockwise, which is negative with y down.
      this.facing[cell] = (cx - ax) * (dy - by) - (cy - ay) * (dx - bx) < 0 ? 1 : 0;
      if (!this.facing[cell]) continue;
      const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx, dx) - 0.5));
      const right = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx, dx) + 0.5));
      const top = Math.max(0, Math.ceil(Math.min(ay, by, cy, dy) - 0.5));
      const bottom = Math.min(height - 1, Math.floor(Math.max(ay, by, cy, dy) + 0.5));
      const near = (s[a + 2] + s[b + 2] + s[c + 2] + s[d + 2]) / 4;
      const colour = colours[step[cell] + 1];
      for (let y = top; y <= bottom; y += 1) {
        const py = y + 0.5;
        for (let x = left; x <= right; x += 1) {
          const px = x + 0.5;
          if ((bx - ax) * (py - ay) - (by - ay) * (px - ax) > SLACK) continue;
          if ((cx - bx) * (py - by) - (cy - by) * (px - bx) > SLACK) continue;
          if ((dx - cx) * (py - cy) - (dy - cy) * (px - cx) > SLACK) continue;
          if ((ax - dx) * (py - dy) - (ay - dy) * (px - dx) > SLACK) continue;
          const at = y * width + x;
          if (near <= depth[at]) continue;
          depth[at] = near;
          pixels[at] = colour;
          cellAt[at] = cell;
        }
      }
    }
    this.outline(pixels, cellAt, width);
  }

  outline(pixels, cellAt, width) {
    for (let at = width; at < pixels.length - width; at += 1) {
      if (cellAt[at] < 0) continue;
      if (cellAt[at - 1] < 0 || cellAt[at + 1] < 0 || cellAt[at - width] < 0 || cellAt[at + width] < 0) pixels[at] = EDGE;
    }
  }
}

class Turntable {
  constructor(root) {
    this.root = root;
    this.stage = part(root, "stage");
    this.canvas = this.stage.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.said = part(root, "said");
    this.probe = part(root, "probe");
  }

  async start() {
    try {
      const answer = await fetch(this.root.dataset.skin, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      this.body = new Body(await answer.json());
    } catch (error) {
      this.fail(error);
      return;
    }
    this.reset();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.stage);
    this.root.hidden = false;
    this.draw();
    this.root.dataset.ready = "1";
  }

  fail(error) {
    this.root.hidden = false;
    part(this.root, "error").hidden = false;
    part(this.root, "error").textContent = "The map cannot be turned here; the flat map below holds the same doses.";
    this.stage.hidden = true;
    console.info("Skin dose map stays flat:", error.message ?? error);
  }

  reset() {
    this.span = this.body.dosed();
    this.zoom = 1;
    this.toPeak();
  }

  // Turn so that the peak faces the viewer.
  toPeak() {
    this.height = 0;
    this.around = this.body.data.peak ? Math.round(this.peakFaces()) : 0;
  }

  // What is in the middle: the part with dose; from closer, the peak.
  get middle() {
    const { peak } = this.body.data;
    return peak && this.zoom > 1 ? peak[2] : (this.span[0] + this.span[1]) / 2;
  }

  // Which way the surface faces at a point, in degrees from the back towards the left side.
  outward([x, y, z]) {
    const { quads, corners } = this.body;
    let [best, distance] = [0, Infinity];
    for (let cell = 0; cell < quads.length / 4; cell += 1) {
      const [cx, cy, cz] = this.body.centre(cell);
      const away = (cx - x) ** 2 + (cy - y) ** 2 + (cz - z) ** 2;
      if (away < distance) [best, distance] = [cell, away];
    }
    const [a, b] = [3 * quads[4 * best], 3 * quads[4 * best + 1]];
    // Along the girth, turned outwards by a quarter.
    return (Math.atan2(corners[b + 1] - corners[a + 1], -(corners[b] - corners[a])) * 180) / Math.PI;
  }

  view() {
    const [a, e] = [rad(this.around), rad(this.height)];
    const towards = [Math.sin(a) * Math.cos(e), Math.cos(a) * Math.cos(e), Math.sin(e)];
    const right = [-Math.cos(a), Math.sin(a), 0];
    const up = [-Math.sin(a) * Math.sin(e), -Math.cos(a) * Math.sin(e), Math.cos(e)];
    const { width, height } = this.canvas;
    const fits = Math.min((height * 0.86) / (this.span[1] - this.span[0]), (width * 0.7) / (2 * this.body.half));
    return { towards, right, up, scale: fits * this.zoom, x0: width / 2, y0: height / 2, z0: this.middle };
  }

  draw() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.max(1, Math.round(this.stage.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.stage.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height || !this.image) {
      [this.canvas.width, this.canvas.height] = [width, height];
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.cellAt = new Int32Array(width * height);
    }
    this.now = this.view();
    this.body.project(this.now);
    this.body.raster(this.pixels, this.cellAt, width, height);
    this.context.putImageData(this.image, 0, 0);
    this.context.lineWidth = ratio;
    this.context.font = `${13 * ratio}px system-ui, sans-serif`;
    this.rings();
    this.names(ratio);
    this.mark(ratio);
    this.say();
  }

  rings() {
    const { body, context } = this;
    context.strokeStyle = LINE;
    context.beginPath();
    for (const { cell, corner, nu, nv, closed } of body.data.grids) {
      const wide = closed ? nu : nu + 1;
      const top = body.corners[3 * (corner + wide * nv) + 2];
      for (let j = 0; j < nv; j += 1) {
        const [low, high] = [0, 1].map((k) => body.corners[3 * (corner + wide * (j + k)) + 2] - top);
        if (Math.floor(low / RING) === Math.floor((high - 1e-6) / RING)) continue;
        for (let i = 0; i < nu; i += 1) {
          const here = cell + nu * j + i;
          if (body.facing[here]) this.line(body.quads[4 * here + 3], body.quads[4 * here + 2]);
        }
      }
      for (const i of closed ? [0, 1, 2, 3].map((k) => Math.round((k * nu) / 4) % nu) : []) {
        for (let j = 0; j < nv; j += 1) {
          const here = cell + nu * j + i;
          if (body.facing[here]) this.line(body.quads[4 * here], body.quads[4 * here + 3]);
        }
      }
    }
    context.stroke();
  }

  line(from, to) {
    const { screen } = this.body;
    this.context.moveTo(screen[3 * from], screen[3 * from + 1]);
    this.context.lineTo(screen[3 * to], screen[3 * to + 1]);
  }

  at([x, y, z]) {
    const { right, up, towards, scale, x0, y0, z0 } = this.now;
    const dz = z - z0;
    return [
      x0 + scale * (x * right[0] + y * right[1]),
      y0 - scale * (x * up[0] + y * up[1] + dz * up[2]),
      x * towards[0] + y * towards[1] + dz * towards[2],
    ];
  }

  // Sides, head and feet as words beside the patient, never over the map.
  names(ratio) {
    const { context, body } = this;
    context.fillStyle = getComputedStyle(this.stage).color;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const away = body.half * 1.08;
    const sides = { left: [away, 0], right: [-away, 0], back: [0, away], front: [0, -away] };
    for (const [word, [x, y]] of Object.entries(sides)) {
      const [px, py] = this.at([x, y, this.middle]);
      const to = Math.sign(px - this.now.x0);
      const aside = Math.abs(px - this.now.x0) > 0.75 * away * this.now.scale;
      const half = (context.measureText(word).width / 2 + 4 * ratio) * to;
      const held = Math.min(this.canvas.width - Math.abs(half), Math.max(Math.abs(half), px + half));
      if (aside) context.fillText(word, held, py);
    }
    if (Math.abs(this.height) > 75) return;
    context.textAlign = "left";
    context.fillText("head ↑", 10 * ratio, 14 * ratio);
    context.fillText("feet ↓", 10 * ratio, this.canvas.height - 14 * ratio);
  }

  mark(ratio) {
    const { peak } = this.body.data;
    this.hidden = false;
    if (!peak) return;
    const [x, y] = this.at(peak);
    const facing = rad(this.around - this.peakFaces());
    this.hidden = Math.cos(facing) * Math.cos(rad(this.height)) <= 0.02;
    if (this.hidden) return;
    for (const [colour, width] of [["#fff", 4], ["#15201c", 1.8]]) {
      this.context.strokeStyle = colour;
      this.context.lineWidth = width * ratio;
      this.context.beginPath();
      this.context.arc(x, y, 9 * ratio, 0, 2 * Math.PI);
      this.context.stroke();
    }
  }

  peakFaces() {
    this.faces ??= this.outward(this.body.data.peak);
    return this.faces;
  }

  say() {
    const turn = ((this.around % 360) + 360) % 360;
    const side = SIDES[Math.round(turn / 45) % 8];
    const tilt = this.height ? `, ${Math.abs(this.height)}° from ${this.height > 0 ? "the head" : "the feet"}` : "";
    this.said.textContent = `Seen from the ${side}${tilt}.${this.hidden ? " The peak is on the far side." : ""}`;
    Object.assign(this.root.dataset, { around: turn, height: this.height });
  }

  turn(around, height) {
    this.around += around;
    this.height = Math.max(-90, Math.min(90, this.height + height));
    this.draw();
  }

  act(name) {
    const acts = {
      left: () => this.turn(-STEP, 0), right: () => this.turn(STEP, 0),
      up: () => this.turn(0, STEP), down: () => this.turn(0, -STEP),
      in: () => { this.zoom = Math.min(12, this.zoom * 1.25); },
      out: () => { this.zoom = Math.max(0.2, this.zoom / 1.25); },
      peak: () => this.toPeak(), reset: () => this.reset(),
      whole: () => { [this.span, this.zoom] = [[this.body.low, this.body.high], 1]; },
      seenback: () => { [this.around, this.height] = [0, 0]; }, seenleft: () => { [this.around, this.height] = [90, 0]; },
      seenfront: () => { [this.around, this.height] = [180, 0]; }, seenright: () => { [this.around, this.height] = [270, 0]; },
    };
    acts[name]?.();
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const names = {
      ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", "+": "in", "=": "in",
      "-": "out", "−": "out", Home: "reset", 0: "reset", p: "peak", P: "peak", w: "whole", W: "whole",
    };
    const name = names[event.key];
    if (!name) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(name);
  }

  drag(start) {
    if (start.button !== 0) return;
    const from = [this.around, this.height];
    this.stage.setPointerCapture(start.pointerId);
    const track = (event) => {
      this.around = Math.round(from[0] + (event.clientX - start.clientX) * DRAG);
      this.height = Math.max(-90, Math.min(90, Math.round(from[1] + (event.clientY - start.clientY) * DRAG)));
      this.draw();
    };
    const stop = () => this.stage.removeEventListener("pointermove", track);
    this.stage.addEventListener("pointermove", track);
    this.stage.addEventListener("pointerup", stop, { once: true });
    this.stage.addEventListener("pointercancel", stop, { once: true });
  }

  read(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((n) => Math.floor(n * ratio));
    const cell = x >= 0 && y >= 0 && x < this.canvas.width ? this.cellAt[y * this.canvas.width + x] ?? -1 : -1;
    this.probe.textContent = cell < 0 ? "" : this.words(cell);
  }

  words(cell) {
    const { dose, hits, data, high } = this.body;
    const down = `${(high - this.body.centre(cell)[2]).toFixed(0)} mm from the top`;
    if (this.body.step[cell] < 0) return `no beam, ${down}`;
    const events = `${hits[cell]} event${hits[cell] === 1 ? "" : "s"}`;
    return `${Number(dose[cell].toPrecision(3))} ${data.unit}, ${events}, ${down}`;
  }

  listen() {
    this.root.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-do]");
      if (button) this.act(button.dataset.do);
    });
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("pointerdown", (event) => this.drag(event));
    this.stage.addEventListener("pointermove", (event) => this.read(event));
    this.stage.addEventListener("pointerleave", () => { this.probe.textContent = ""; });
  }
}

for (const root of document.querySelectorAll("[data-skin]")) new Turntable(root).start();
