// What follows from the drawing: asked of the service after each change, shown beside it.
import { h } from "./fields.js";
import { said, up } from "./plan.js";

const PAUSE = 500; // ms without a change before the service is asked

export async function sent(url, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "" };
  const form = body instanceof FormData;
  if (!form && body) headers["Content-Type"] = "application/json";
  const answer = await fetch(url, { method: body ? "POST" : "GET", headers, body: form || !body ? body : JSON.stringify(body), credentials: "same-origin" });
  const data = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : null;
  if (!answer.ok || data === null) {
    const error = new Error(data?.message ?? "The service did not answer as it should. Reload the page; what was saved is kept.");
    error.status = answer.status;
    error.code = data?.code ?? "";
    throw error;
  }
  return data;
}

export class Result {
  constructor(root, store, stage, { urls, offered, mayDraw }) {
    Object.assign(this, { root, store, stage, urls, mayDraw, steps: offered.steps, busy: false, again: false, maps: 0, timer: 0, mapped: false, height: 1, error: "", data: null });
    store.watch((what) => { if (what === "document") this.soon(); if (what === "selection") this.draw(); });
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
    this.root.classList.add("old");
  }

  // One question at a time: a large plan takes seconds, and what comes meanwhile is asked once after.
  async ask() {
    if (this.busy) { this.again = true; return; }
    [this.busy, this.again] = [true, false];
    try {
      [this.data, this.error] = [await sent(this.urls.assess, { document: this.store.doc }), ""];
    } catch (error) {
      [this.data, this.error] = [null, error.message];
    }
    this.busy = false;
    if (this.again) return void this.ask();
    this.root.classList.remove("old");
    this.stage.result = this.data?.assessment ?? null;
    this.stage.draw();
    this.draw();
    if (this.mapped) this.askMap();
  }

  async askMap() {
    const { store, stage } = this;
    if (!this.mapped || !this.data?.assessment) {
      stage.map = null;
      stage.draw();
      return;
    }
    const xs = stage.extent();
    if (!xs.length) return;
    this.maps += 1;
    const [mine, asked] = [this.maps, store.storey];
    const margin = 1.5;
    const box = [Math.min(...xs.map((p) => p[0])) - margin, Math.min(...xs.map((p) => p[1])) - margin, Math.max(...xs.map((p) => p[0])) + margin, Math.max(...xs.map((p) => p[1])) + margin];
    try {
      const map = await sent(this.urls.map, { document: store.doc, box, storey: asked, height: this.height });
      if (mine !== this.maps) return;
      stage.map = { ...painted(map, this.steps), storey: asked };
    } catch (error) {
      if (mine !== this.maps) return;
      stage.map = null;
      this.error = error.message;
      this.draw();
    }
    stage.draw();
  }

  name(key) {
    return this.store.find(key)?.item.name ?? key;
  }

  draw() {
    const { data } = this;
    const go = (key, text) => h("button", { type: "button", className: "link", onclick: () => this.store.select(key) }, text);
    const faults = data?.faults ?? [];
    const blocking = faults.filter((f) => f.blocking);
    const parts = [];
    if (this.error) parts.push(h("p", { className: "notice bad", role: "alert" }, this.error));
    if (blocking.length) parts.push(h("section", { className: "trouble" }, h("h3", {}, blocking.length === 1 ? "One thing is missing" : `${blocking.length} things are missing`), h("ul", {}, blocking.map((f) => h("li", {}, f.about ? go(f.about, f.message) : f.message)))));
    const found = data?.assessment;
    if (found) parts.push(this.#areas(found, go), this.#needs(found, go), this.#mapTools());
    const notes = faults.filter((f) => !f.blocking);
    if (notes.length) parts.push(h("section", {}, h("h3", {}, "To mind"), h("ul", { className: "tight" }, notes.map((f) => h("li", {}, f.about ? go(f.about, f.message) : f.message)))));
    if (!data && !this.error) parts.push(h("p", { className: "soft" }, "Working it out…"));
    this.root.replaceChildren(...parts);
  }

  #areas(found, go) {
    const word = (a) => (a.adequate === true ? ["✓", "within", "good"] : a.adequate === false ? ["▲", "above", "bad"] : ["○", "not shown", "unknown"]);
    const rows = found.areas.map((a) => {
      const [mark, text, cls] = word(a);
      return h("tr", { className: cls }, h("th", { scope: "row" }, go(a.key, this.name(a.key))), h("td", { className: "n" }, said(a.kerma)), h("td", { className: "n" }, said(a.allowed)), h("td", { className: "said" }, `${mark} ${text}`, a.why && a.adequate === null ? h("p", { className: "hint" }, a.why) : null));
    });
    return h("section", {}, h("h3", {}, "Highest air kerma", h("small", {}, ` mGy per ${this.store.plan.method === "uk" ? "year" : "week"}`)),
      h("table", { className: "dense" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Place"), h("th", { scope: "col", className: "n" }, "Kerma"), h("th", { scope: "col", className: "n" }, "Allowed"), h("th", { scope: "col" }, "Finding"))), h("tbody", {}, rows)));
  }

  #needs(found, go) {
    const wanted = found.needs.filter((n) => n.extra_mm > 0);
    const never = found.impossible.map((i) => h("p", { className: "notice bad" }, go(i.area, i.message)));
    const bare = (found.unjudged ?? []).filter((key) => this.store.find(key));
    const unjudged = bare.length ? h("p", { className: "hint" }, "Not judged, as no place is drawn behind: ", bare.map((key, i) => [i ? ", " : "", go(key, this.name(key))]), ".") : null;
    if (!wanted.length && !never.length) return h("section", {}, h("p", { className: "good-note" }, found.areas.every((a) => a.adequate === true) ? "Nothing more is required for the places drawn." : "What is required cannot be said; see each place."), unjudged);
    const rows = wanted.map((n) => h("li", {}, go(n.key, this.name(n.key)), ": ", h("strong", {}, `${up(n.extra_mm)} mm ${n.material.replaceAll("_", " ")}`), n.decided_by ? h("small", {}, ` for ${this.name(n.decided_by)}`) : null, this.mayDraw && [" ", h("button", { type: "button", className: "link", ariaLabel: `Add ${up(n.extra_mm)} mm to ${this.name(n.key)}`, onclick: () => this.#add(n) }, "Add it")]));
    return h("section", {}, h("h3", {}, "Required in addition"), never, h("ul", { className: "needs-list" }, rows), unjudged);
  }

  // As a layer of this design, rounded up as it is shown.
  #add(need) {
    this.store.select(need.key);
    this.store.change(() => this.store.find(need.key).item.layers.push({ material: need.material, mm: Number(up(need.extra_mm)), product: "", added: true }));
  }

  #mapTools() {
    const toggle = h("input", { type: "checkbox", checked: this.mapped, onchange: (e) => { this.mapped = e.target.checked; this.askMap(); this.draw(); } });
    const height = h("input", { type: "number", step: 0.1, min: 0, value: this.height, ariaLabel: "Height of the map above the floor, m", onchange: (e) => { this.height = Number(e.target.value) || 0; this.askMap(); } });
    const legend = h("ol", { className: "legend" }, this.steps.map(([v, c]) => { const li = h("li", {}, h("i", {}), said(v)); li.firstChild.style.background = c; return li; }));
    return h("section", {}, h("label", { className: "tick" }, toggle, "Map of kerma"), this.mapped && h("span", { className: "with-unit" }, " at ", height, " m"), this.mapped && legend, this.mapped && h("p", { className: "hint" }, `At least so many mGy per ${this.store.plan.method === "uk" ? "year" : "week"}.`));
  }
}

// The map as a picture: each point has exactly the colour of its step, nothing in between.
function painted(map, steps) {
  const raw = Uint8Array.from(atob(map.kerma), (c) => c.charCodeAt(0)).buffer;
  const kerma = new Float32Array(raw);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [map.columns, map.rows];
  const context = canvas.getContext("2d");
  const image = context.createImageData(map.columns, map.rows);
  const colours = steps.map(([, c]) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  kerma.forEach((v, i) => {
    let step = steps.length - 1;
    while (step >= 0 && !(v >= steps[step][0])) step -= 1;
    if (Number.isNaN(v)) step = steps.length - 1;
    if (step >= 0) image.data.set([...colours[step], 190], 4 * i);
  });
  context.putImageData(image, 0, 0);
  return { url: canvas.toDataURL(), x: map.x, y: map.y, width: map.columns * map.step, height: map.rows * map.step };
}

