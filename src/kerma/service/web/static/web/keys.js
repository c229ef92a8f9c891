// Keys for the whole service: / search, g + letter to a noun, ? this list. Never while typing, never
// with a modifier, and they can be switched off under Display (WCAG 2.1.4).
import { keysOn } from "./theme.js";

const TYPING = "input:not([type=checkbox],[type=radio],[type=button]),textarea,select,[contenteditable]";
let waiting = 0;

const jumps = () => [...document.querySelectorAll("[data-go]")];

function list() {
  const rows = [["/", "Search"], ["?", "This list"]];
  for (const link of jumps()) rows.push([`g ${link.dataset.go}`, link.firstChild.textContent.trim()]);
  for (const more of document.querySelectorAll("[data-key]")) rows.push([more.dataset.key, more.dataset.keyText]);
  const terms = document.createElement("dl");
  terms.className = "keys";
  for (const [keys, text] of rows) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = text;
    terms.append(term, meaning);
  }
  const dialog = document.getElementById("keys");
  dialog.querySelector("[data-keys-list]").replaceChildren(terms);
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!keysOn() || event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
  if (Date.now() < waiting) {
    waiting = 0;
    const link = jumps().find(({ dataset }) => dataset.go === event.key);
    if (link) {
      event.preventDefault();
      link.click();
    }
    return;
  }
  const search = document.getElementById("search");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.select();
    search.focus();
  } else if (event.key === "?") {
    event.preventDefault();
    list();
  } else if (event.key === "g") {
    waiting = Date.now() + 1500;
  }
});
