// The drawing page: brings plan, screen, tools, forms and results together, and saves.
import { button, h } from "./fields.js";
import { Panel } from "./panel.js";
import { Store, parsed } from "./plan.js";
import { Result, sent } from "./result.js";
import { Stage } from "./stage.js";
import { TOOLS, Tools } from "./tools.js";

const PAUSE = 900; // ms without a change before the drawing is saved
const root = document.querySelector("[data-draw]");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const data = JSON.parse(document.getElementById("drawing").textContent);

const store = new Store(data.document);
const pictures = new Map(data.underlays.map((u) => [u.id, u]));
const stage = new Stage(part("stage"), store, pictures);
const say = (text) => { part("said").textContent = text; };

function ask(question, value) {
  const dialog = part("ask");
  const input = dialog.querySelector("input");
  dialog.querySelector("label").textContent = question;
  input.value = value;
  dialog.returnValue = "";
  dialog.showModal();
  input.select();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok" ? input.value : null), { once: true }));
}

const tools = new Tools(stage, store, { ask, say, mayDraw: data.mayDraw });
const panel = new Panel(part("panel"), store, { offered: data.offered, mayDraw: data.mayDraw, workload, ask, middle: () => { const [x0, y0, x1, y1] = stage.box; return [(x0 + x1) / 2, (y0 + y1) / 2]; } });
const result = new Result(part("result"), store, stage, data);

// Saving ------------------------------------------------------------------------------------------

const saving = { revision: data.revision, timer: 0, busy: false, wanted: false, stopped: false };

function state(text, tone = "") {
  part("state").textContent = text;
  part("state").dataset.tone = tone;
}

async function save() {
  if (saving.stopped || !data.mayDraw) return;
  if (saving.busy) { saving.wanted = true; return; }
  [saving.busy, saving.wanted] = [true, false];
  state("Saving…");
  try {
    saving.revision = (await sent(data.urls.save, { document: store.doc, revision: saving.revision })).revision;
    // A change made while it was being saved waits for the next save.
    if (!saving.timer && !saving.wanted) state("Saved", "good");
  } catch (error) {
    state(error.message, "bad");
    // Another person's drawing is not overwritten; a lost connection is tried again at the next change.
    saving.stopped = error.status === 409 || error.status === 403;
  }
  saving.busy = false;
  if (saving.wanted) save();
}

addEventListener("beforeunload", (event) => {
  if (data.mayDraw && !saving.stopped && (saving.busy || saving.timer)) event.preventDefault();
});

// The workload from the dose room -----------------------------------------------------------------

async function workload(source) {
  try {
    const found = await sent(`${data.urls.workload}?system=${encodeURIComponent(source.system)}`);
    store.change(() => {
      const { item } = store.find(source.key);
      const kinds = new Set(found.uses.map((u) => u.kind));
      item.uses = [...item.uses.filter((u) => !kinds.has(u.kind)), ...found.uses];
    });
    document.getElementById("workload-said").textContent = found.sentences.join(" ");
  } catch (error) {
    document.getElementById("workload-said").textContent = error.message;
  }
}

// Pictures ----------------------------------------------------------------------------------------

async function takeIn(file) {
  const body = new FormData();
  body.append("file", file);
  body.append("page", String(parsed(part("page").value) || 1));
  say("Reading the plan…");
  try {
    const made = await sent(data.urls.underlay, body);
    pictures.set(made.id, made);
    store.change((plan, doc) => doc.underlays.push({ underlay: made.id, storey: store.storey, metres_per_pixel: made.metresPerPixel, x: 0, y: 0, turn_deg: 0, shown: true }));
    stage.fit();
    if (made.metresPerPixel) say(`${made.name} is laid under; its own scale is taken. Check it with Measure.`);
    else { tools.pick("scale"); say(`${made.name} is laid under. Now click the two ends of a length you know.`); }
  } catch (error) {
    say(error.message);
  }
}

// The page ----------------------------------------------------------------------------------------

function dressTools() {
  part("tools").replaceChildren(
    ...TOOLS.map(([key, title, letter, hint]) => h("button", { type: "button", title: `${hint} (${letter})`, disabled: !data.mayDraw && !["select", "measure"].includes(key), ariaPressed: String(tools.tool === key), onclick: () => { tools.pick(key); stage.root.focus({ preventScroll: true }); } }, title)),
    h("span", { className: "sep" }),
    button("Undo", () => store.undo(), ""), button("Redo", () => store.redo(), ""),
    button("−", () => stage.zoom(1.3), ""), button("+", () => stage.zoom(1 / 1.3), ""), button("Whole plan", () => stage.fit(), ""),
  );
}

function dressStoreys() {
  const levels = [...store.plan.storeys].sort((a, b) => b.floor_m - a.floor_m);
  part("storeys").replaceChildren(...levels.map((s) => h("button", { type: "button", ariaPressed: String(s.key === store.storey), onclick: () => { store.storey = s.key; store.select(""); store.tell("selection"); stage.fit(); result.askMap(); } }, s.name)));
}

store.watch((what) => {
  if (what === "document") {
    clearTimeout(saving.timer);
    saving.timer = setTimeout(() => { saving.timer = 0; save(); }, PAUSE);
    if (!saving.stopped) state("Not saved yet");
  }
  if (what === "tool") return void dressTools();
  dress();
});

// A form is not made anew under a pointer that is down or a field that is typed in: the click or the
// word would be lost. It is made when the pointer is up, or with the change that follows.
const hand = { down: false, due: false };
panel.root.addEventListener("pointerdown", () => { hand.down = true; });
for (const up of ["pointerup", "pointercancel"]) addEventListener(up, () => { hand.down = false; if (hand.due) setTimeout(dress); }, true);

// The focus as it was: a text that stood chosen is typed over and not typed into.
function refocused(field, held) {
  if (!field) return;
  field.focus();
  if (typeof held.selectionStart !== "number" || typeof field.selectionStart !== "number") return;
  if (held.selectionStart === 0 && held.selectionEnd === held.value.length) field.select();
  else field.setSelectionRange(held.selectionStart, held.selectionEnd);
}

function dress() {
  const held = panel.root.contains(document.activeElement) ? document.activeElement : null;
  const typed = held && "defaultValue" in held && held.type !== "checkbox" && held.value !== held.defaultValue;
  hand.due = hand.down;
  if (!hand.down && !typed) {
    const fields = () => [...panel.root.querySelectorAll("input,select,textarea,button")];
    const place = held ? fields().indexOf(held) : -1;
    panel.draw();
    if (place >= 0) refocused(fields()[place], held);
  }
  dressStoreys();
  stage.draw();
}

root.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input,select,textarea");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
    event.preventDefault();
    if (event.shiftKey) store.redo();
    else store.undo();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const tool = TOOLS.find(([, , letter]) => letter === event.key);
    if (!tool) return;
    event.preventDefault();
    event.stopPropagation();
    tools.pick(tool[0]);
  }
});

part("file")?.addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) takeIn(file);
  event.target.value = "";
});
part("stage").addEventListener("dragover", (event) => event.preventDefault());
part("stage").addEventListener("drop", (event) => { event.preventDefault(); if (event.dataTransfer.files[0] && data.mayDraw) takeIn(event.dataTransfer.files[0]); });

dressTools();
dressStoreys();
panel.draw();
stage.fit();
state(data.mayDraw ? "Saved" : "You may look, not draw", data.mayDraw ? "good" : "");
result.ask();
