// The survey grid: every field is saved as it is left; the keypad alone is enough.
// The contract with the server is in docs/web-components.md.
import { Outbox } from "./outbox.js";
import { askNotDone, askPaste } from "./grid_dialogs.js";

const FIELD = "[data-grid-field]:not(:disabled)";
const RETRY_MS = 10000;
const token = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// Out-of-band swaps as htmx does them (cells and rows arrive in templates); returns what changed.
function swapIn(html) {
  const said = [];
  const pieces = [...fragment(html).children].flatMap((e) => (e.content ? [...e.content.children] : [e]));
  for (const fresh of pieces) {
    const old = fresh.id && document.getElementById(fresh.id);
    if (!old) continue;
    fresh.removeAttribute("hx-swap-oob");
    old.replaceWith(fresh);
    window.htmx?.process(fresh);
    const word = fresh.querySelector(".chip")?.textContent.trim();
    if (word && word !== old.querySelector(".chip")?.textContent.trim()) {
      const title = document.getElementById(fresh.id.replace(/^verdict-/, "title-"));
      said.push(`${title?.textContent.trim() ?? ""}: ${word}`);
    }
  }
  return said;
}

class Field {
  constructor(grid, input) {
    this.grid = grid;
    this.input = input;
    this.saved = input.defaultValue; // what the server sent, whatever was typed since
    this.cell = input.closest(".cell");
    this.said = this.cell.querySelector(".say");
  }

  show(state, message = "") {
    this.cell.classList.remove("saving", "saved", "unsent", "failed");
    if (state) this.cell.classList.add(state);
    this.input.toggleAttribute("aria-invalid", state === "failed");
    if (message instanceof Node) this.said.replaceChildren(message);
    else this.said.textContent = message;
  }

  left() {
    const value = this.input.value.trim();
    if (this.cell.classList.contains("failed") && value === this.saved.trim()) {
      this.tried = null;
      this.show("");
    } else if (value !== (this.tried ?? this.saved.trim())) {
      this.save(); // what was tried already is not sent again by merely passing through the field
    }
  }

  save(notDone = "") {
    this.tried = this.input.value.trim();
    this.wanted = { value: this.tried, notDone };
    this.grid.outbox.keep(this.input.name, { ...this.wanted, version: this.input.dataset.version });
    return this.send();
  }

  // One request at a time for a field; what was typed meanwhile goes out after it.
  async send() {
    if (this.busy || !this.wanted) return;
    this.busy = true;
    while (this.wanted) {
      const sent = this.wanted;
      this.wanted = null;
      this.show("saving");
      const delivered = await this.post(sent);
      if (!delivered) {
        this.wanted ??= sent;
        break;
      }
    }
    this.busy = false;
  }

  async post(sent) {
    const body = new URLSearchParams({
      field: this.input.name, value: sent.value, version: this.input.dataset.version ?? "0",
    });
    if (sent.notDone) body.set("not_done", sent.notDone);
    let answer;
    let html;
    try {
      answer = await fetch(this.input.dataset.saveUrl || this.grid.url, {
        method: "POST", body, headers: { "X-CSRFToken": token(), "HX-Request": "true" },
      });
      html = await answer.text();
    } catch {
      return this.unsent("Not sent: no connection. Kept here and sent again by itself.");
    }
    // A redirect means the sign-in page answered, not the service.
    if (answer.redirected || answer.status === 401) {
      return this.unsent("Not sent: you are signed out. Sign in in another tab; the value is kept.");
    }
    if (answer.ok) return this.accepted(sent, answer, html);
    if (answer.status === 409 && html.includes("data-grid-conflict")) return this.conflict(html);
    if (answer.status >= 500) return this.unsent("Not sent: the service had a fault. Sent again soon.");
    return this.refused(html);
  }

  accepted(sent, answer, html) {
    this.saved = sent.value;
    if (!this.wanted) this.tried = null;
    this.input.dataset.version = answer.headers.get("Kerma-Version") ?? this.input.dataset.version;
    this.input.placeholder = sent.notDone ? "not done" : "";
    this.input.title = sent.notDone;
    if (!this.wanted) this.grid.outbox.drop(this.input.name);
    this.show("saved");
    const said = swapIn(html);
    this.grid.tell(said.length ? said.join(". ") : `${this.input.getAttribute("aria-label")}: saved`);
    return true;
  }

  unsent(message) {
    this.show("unsent", message);
    this.grid.tell(message);
    this.grid.retryLater();
    return false;
  }

  refused(html) {
    // Sending the same text again cannot help, so it does not stay in the outbox.
    if (!this.wanted) this.grid.outbox.drop(this.input.name);
    const found = fragment(html).querySelector("[data-grid-error],.trouble strong");
    this.show("failed", found?.textContent.trim() || "Not saved. Load the page again.");
    this.grid.tell(this.said.textContent);
    return true;
  }

  conflict(html) {
    const box = fragment(html).querySelector("[data-grid-conflict]");
    const settle = () => {
      this.input.dataset.version = box.dataset.version;
      this.input.focus();
    };
    box.querySelector("[data-grid-take]")?.addEventListener("click", () => {
      settle();
      this.input.value = this.saved = box.dataset.value;
      this.tried = null;
      this.grid.outbox.drop(this.input.name);
      this.show("saved");
    });
    box.querySelector("[data-grid-keep]")?.addEventListener("click", () => {
      settle();
      this.save();
    });
    this.show("failed", box);
    this.grid.tell(box.textContent.trim());
    return true;
  }
}

class Grid {
  constructor(root) {
    this.root = root;
    this.url = root.dataset.saveUrl;
    this.outbox = new Outbox(`${root.dataset.user ?? ""}:${location.pathname}`);
    this.fields = new WeakMap();
    this.live = document.createElement("p");
    this.live.className = "unseen";
    this.live.setAttribute("aria-live", "polite");
    root.append(this.live);
    root.addEventListener("focusin", ({ target }) => target.matches(FIELD) && target.select());
    root.addEventListener("focusout", ({ target }) => target.matches(FIELD) && this.of(target).left());
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("paste", (event) => this.pasted(event));
    addEventListener("online", () => this.resend());
    this.restore();
  }

  of(input) {
    if (!this.fields.has(input)) this.fields.set(input, new Field(this, input));
    return this.fields.get(input);
  }

  all() {
    return [...this.root.querySelectorAll(FIELD)];
  }

  column(input) {
    return this.all().filter(({ dataset }) => dataset.column === input.dataset.column);
  }

  tell(text) {
    this.live.textContent = text;
  }

  restore() {
    for (const [name, kept] of this.outbox.entries()) {
      const input = this.all().find((field) => field.name === name);
      if (!input) continue;
      const field = this.of(input);
      input.value = kept.value;
      input.dataset.version = kept.version ?? input.dataset.version;
      field.tried = kept.value;
      field.wanted = kept;
      field.send();
    }
  }

  retryLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.resend(), RETRY_MS);
  }

  resend() {
    for (const input of this.all()) this.of(input).send();
  }

  key(event) {
    const input = event.target;
    if (!input.matches?.(FIELD) || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = (list, step) => list[list.indexOf(input) + step];
    const edge = (end) => input.selectionStart === input.selectionEnd
      && input.selectionEnd === (end ? input.value.length : 0);
    let to;
    if (event.key === "Enter") to = at(this.all(), event.shiftKey ? -1 : 1) ?? input;
    else if (event.key === "ArrowDown") to = at(this.column(input), 1);
    else if (event.key === "ArrowUp") to = at(this.column(input), -1);
    else if (event.key === "ArrowRight" && edge(true)) to = at(this.all(), 1);
    else if (event.key === "ArrowLeft" && edge(false)) to = at(this.all(), -1);
    else if (event.key === "Escape") input.value = this.of(input).saved;
    else if (event.key === "F2") this.paste(input, "");
    else if ("nN*".includes(event.key) && input.inputMode === "decimal") this.notDone(input);
    else return;
    event.preventDefault();
    if (to === input) this.of(input).left();
    to?.focus();
  }

  async notDone(input) {
    const reason = await askNotDone(input.getAttribute("aria-label"));
    if (reason) {
      input.value = "";
      this.of(input).save(reason);
    }
    input.focus();
  }

  pasted(event) {
    const text = event.clipboardData?.getData("text") ?? "";
    if (!event.target.matches?.(FIELD) || !/\S[\n\t]+\S/.test(text)) return;
    event.preventDefault();
    this.paste(event.target, text);
  }

  async paste(input, text) {
    const column = this.column(input);
    const targets = column.slice(column.indexOf(input));
    const values = await askPaste(text, targets.length);
    values.forEach((value, i) => {
      targets[i].value = value;
      this.of(targets[i]).left();
    });
    (targets[values.length] ?? targets.at(-1)).focus();
  }

  get waiting() {
    return this.outbox.entries().length + this.root.querySelectorAll(".cell.failed").length;
  }
}

const grids = [...document.querySelectorAll("[data-grid]")].map((root) => new Grid(root));

// A hand-over must not run ahead of its values.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-after-saving]")) return;
  const left = grids.reduce((sum, grid) => sum + grid.waiting, 0);
  if (!left) return;
  event.preventDefault();
  grids[0].root.querySelector(".cell:is(.unsent,.failed,.saving) input")?.focus();
  grids[0].tell(`${left} value${left > 1 ? "s are" : " is"} not saved yet. Nothing was handed over.`);
}, true);

addEventListener("beforeunload", (event) => {
  if (grids.some(({ outbox }) => !outbox.durable && outbox.entries().length)) event.preventDefault();
});
