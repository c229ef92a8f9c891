// What is known of the thing chosen, as a form; and the list of everything on the plan.
import { button, choice, h, number, tick, words } from "./fields.js";
import { distance, parsed, said, tidy } from "./plan.js";
import { HEIGHT } from "./tools.js";
import { uses } from "./uses.js";

const TITLES = { barriers: "Barriers", areas: "Places to protect", sources: "Sources", slabs: "Floors", storeys: "Storeys" };

const ONE = { barriers: "a wall", areas: "a place", sources: "a source" };

export class Panel {
  constructor(root, store, { offered, mayDraw, workload, middle, ask }) {
    Object.assign(this, { root, store, offered, mayDraw, workload, middle, ask });
  }

  draw() {
    const found = this.store.find(this.store.selected);
    const body = found ? this.#form(found) : this.#list();
    const still = h("fieldset", { disabled: !this.mayDraw }, body);
    this.root.replaceChildren(found ? still : h("div", {}, body));
  }

  set(key, name) {
    return (value) => this.store.change(() => { this.store.find(key).item[name] = value; });
  }

  // Everything on the plan, so that it can be reached without a pointer.
  #list() {
    const { store } = this;
    const groups = ["sources", "areas", "barriers"].map((list) => {
      const items = store.here(list);
      return h("section", {}, h("h3", {}, TITLES[list], " ", h("small", {}, items.length)),
        items.length ? h("ul", { className: "things" }, items.map((t) => h("li", {}, h("button", { type: "button", className: "link", onclick: () => store.select(t.key) }, t.name)))) : h("p", { className: "soft" }, "None on this storey."),
        this.mayDraw && h("p", {}, button(`Add ${ONE[list]} in the middle`, () => this.#add(list), "link")));
    });
    return [...groups, this.#storeys()];
  }

  // The same without a pointer: it comes to lie in the middle of what is seen, and is moved by its form.
  async #add(list) {
    const { store } = this;
    const [x, y] = this.middle();
    const height = list === "sources" ? await this.#length(HEIGHT) : 0;
    if (!(height >= 0)) return;
    const at = (dx, dy) => [tidy(x + dx), tidy(y + dy)];
    const made = {
      sources: { name: store.newName(list, "Source"), position: at(0, 0), height_m: height, uses: [], system: "" },
      areas: { name: store.newName(list, "Area"), polygon: [at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)], occupancy: 1, occupancy_why: "", designation: "uncontrolled", goal: null },
      barriers: { name: store.newName(list, "Wall"), kind: "wall", start: at(-1, 0), end: at(1, 0), layers: [], within: "", bottom_m: 0, top_m: null },
    };
    store.add(list, made[list]);
  }

  async #length(question) {
    return parsed((await this.ask(question, "")) ?? "");
  }

  #storeys() {
    const { store, mayDraw } = this;
    const rows = store.plan.storeys.map((s) => h("li", {}, h("button", { type: "button", className: "link", onclick: () => { store.storey = s.key; store.select(s.key); } }, s.name), h("small", {}, ` floor at ${said(s.floor_m)} m`)));
    const add = async (above) => {
      const all = [...store.plan.storeys].sort((a, b) => a.floor_m - b.floor_m);
      const next = above ? all.at(-1) : all[0];
      const apart = await this.#length(`How far ${above ? "above" : "below"} the floor of ${next.name} lies its floor, in metres?`);
      const tall = apart > 0 ? await this.#length("How high is it, from its floor to the slab above, in metres?") : NaN;
      if (!(tall > 0)) return;
      const key = store.newKey("storeys");
      store.change((plan) => plan.storeys.push({ key, name: above ? "Storey above" : "Storey below", floor_m: tidy(next.floor_m + (above ? apart : -apart)), height_m: tall }));
      store.storey = key;
      store.select(key);
    };
    return h("section", {}, h("h3", {}, "Storeys"), h("ul", { className: "things" }, rows), mayDraw && h("p", {}, button("Add above", () => add(true)), " ", button("Add below", () => add(false))));
  }

  #form({ list, item }) {
    const name = words("Name", item.name, this.set(item.key, "name"));
    const parts = { barriers: () => this.#barrier(item), areas: () => this.#area(item), sources: () => this.#source(item), storeys: () => this.#storey(item), slabs: () => this.#slab(item) }[list]();
    const acts = h("p", { className: "acts" }, button("Done", () => this.store.select("")), this.mayDraw && button("Remove", () => this.store.remove(item.key), "btn ghost"));
    return [h("h3", {}, TITLES[list].replace(/s$/, "").replace("Places", "Place")), name, ...parts, acts];
  }

  #barrier(item) {
    const { offered, store } = this;
    const set = (name) => this.set(item.key, name);
    const corner = (end, i, title) => number(title, item[end][i], (v) => store.change(() => { item[end][i] = v; }), { unit: "m" });
    const kinds = Object.entries(offered.kinds);
    return [
      choice("Kind", item.kind, kinds, set("kind")),
      h("p", { className: "soft" }, `Length ${said(distance(item.start, item.end), 4)} m`, item.within ? `, in ${store.find(item.within)?.item.name ?? "a wall that is gone"}` : ""),
      this.#layers(item.key, item.layers),
      choice("Material that may be added", store.doc.add[item.key] ?? "", [["", "The usual one"], ...offered.materials], (v) => store.change((plan, doc) => { if (v) doc.add[item.key] = v; else delete doc.add[item.key]; })),
      h("div", { className: "pair" }, number("Bottom above floor", item.bottom_m, set("bottom_m"), { unit: "m" }), number("Top above floor", item.top_m, set("top_m"), { unit: "m", empty: true, hint: "Empty: up to the slab." })),
      h("details", {}, h("summary", {}, "Ends"), h("div", { className: "pair" }, corner("start", 0, "From, x"), corner("start", 1, "From, y")), h("div", { className: "pair" }, corner("end", 0, "To, x"), corner("end", 1, "To, y"))),
    ];
  }

  #layers(key, layers) {
    const { store, offered } = this;
    const stock = offered.products;
    const at = (fn) => store.change(() => fn(store.find(key).item.layers));
    const rows = layers.map((layer, i) =>
      h("li", { className: "layer" },
        choice("Material", layer.material, offered.materials, (v) => at((l) => { l[i].material = v; })),
        number("Least thickness", layer.mm, (v) => at((l) => { l[i].mm = v; }), { unit: "mm", least: 0, most: 1e5 }),
        words("Product", layer.product, (v) => at((l) => this.#product(l[i], v)), { options: stock.map((p) => [p.title, `${p.title}, at least ${said(p.mm)} mm ${p.material.replaceAll("_", " ")}`]) }),
        tick("Added by this design", layer.added, (v) => at((l) => { l[i].added = v; })),
        button("Remove the layer", () => at((l) => l.splice(i, 1)), "link")));
    return h("section", {}, h("h4", {}, "Layers"), rows.length ? h("ol", { className: "layers" }, rows) : h("p", { className: "late" }, "No layer yet: nothing is known of what it stops."), button("Add a layer", () => at((l) => l.push({ material: l.at(-1)?.material ?? "concrete", mm: 0, product: "", added: false }))));
  }

  // A stock product brings its material and its least thickness; any other name is a name.
  #product(layer, name) {
    layer.product = name;
    const held = this.offered.products.find((p) => p.title === name);
    if (held) [layer.material, layer.mm] = [held.material, held.mm];
  }

  #area(item) {
    const { offered } = this;
    const set = (name) => this.set(item.key, name);
    const places = offered.occupancies.map((o) => h("li", {}, h("strong", {}, o.t), ` ${o.areas.join(", ")}`));
    return [
      number("Occupancy, T", item.occupancy, set("occupancy"), { least: 0, most: 1, hint: "Fraction of the time the person most there spends there." }),
      h("details", {}, h("summary", {}, "Occupancies of the method"), h("ul", { className: "tight" }, places)),
      words("Who agreed it", item.occupancy_why, set("occupancy_why")),
      choice("Designation", item.designation, Object.entries(offered.designations), set("designation")),
      h("details", {}, h("summary", {}, "Corners"), item.polygon.map((corner, i) => h("div", { className: "pair" }, number(`x ${i + 1}`, corner[0], (v) => this.store.change(() => { item.polygon[i][0] = v; }), { unit: "m" }), number(`y ${i + 1}`, corner[1], (v) => this.store.change(() => { item.polygon[i][1] = v; }), { unit: "m" })))),
      number("Own goal", item.goal, set("goal"), { unit: `mGy per ${offered.period}`, empty: true, hint: "Empty: the method's own." }),
    ];
  }

  #source(item) {
    const { offered, store } = this;
    const systems = [["", "None in the inventory yet"], ...offered.systems.map((s) => [s.key, s.title])];
    return [
      h("div", { className: "pair" }, number("x", item.position[0], (v) => store.change(() => { item.position[0] = v; }), { unit: "m" }), number("y", item.position[1], (v) => store.change(() => { item.position[1] = v; }), { unit: "m" })),
      number("Height above floor", item.height_m, this.set(item.key, "height_m"), { unit: "m", least: 0 }),
      choice("System", item.system, systems, this.set(item.key, "system")),
      uses(this, item),
    ];
  }

  #storey(item) {
    const { store } = this;
    const set = (name) => this.set(item.key, name);
    const slab = store.plan.slabs.find((s) => s.storey === item.key);
    const make = () => store.change((plan) => plan.slabs.push({ key: store.newKey("slabs"), name: `Floor of ${item.name}`, storey: item.key, layers: [{ material: "concrete", mm: 0, product: "", added: false }] }));
    return [
      number("Floor above the datum", item.floor_m, set("floor_m"), { unit: "m" }),
      number("Height to the slab above", item.height_m, set("height_m"), { unit: "m", least: 0.1 }),
      h("h4", {}, "Its floor"),
      slab ? this.#layers(slab.key, slab.layers) : h("p", {}, h("span", { className: "soft" }, "Nothing is known of it: radiation passes as through air. "), this.mayDraw && button("Give it layers", make)),
      this.#pictures(item),
    ];
  }

  #slab(item) {
    return [this.#layers(item.key, item.layers)];
  }

  #pictures(storey) {
    const { store } = this;
    const rows = store.doc.underlays.map((laid, i) => [laid, i]).filter(([laid]) => laid.storey === storey.key).map(([laid, i]) => {
      const at = (name) => (v) => store.change((plan, doc) => { doc.underlays[i][name] = v; });
      return h("li", {}, tick("Shown", laid.shown, at("shown")),
        h("div", { className: "pair" }, number("Left edge, x", laid.x, at("x"), { unit: "m" }), number("Upper edge, y", laid.y, at("y"), { unit: "m" })),
        number("Turned by", laid.turn_deg, at("turn_deg"), { unit: "°" }),
        button("Take the picture away", () => store.change((plan, doc) => doc.underlays.splice(i, 1)), "link"));
    });
    return h("section", {}, h("h4", {}, "Pictures under it"), rows.length ? h("ol", { className: "layers" }, rows) : h("p", { className: "soft" }, "None. Import a plan to draw upon it."));
  }
}
