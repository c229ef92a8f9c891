// Behaviour of the components that need any: dialogues, the menu on narrow screens, file drops,
// scrolling tables, printing.
const all = (selector, root = document) => root.querySelectorAll(selector);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  event.target.closest("[data-closes]")?.closest("dialog").close();
  const toggle = event.target.closest("[data-toggles]");
  if (toggle) {
    const open = document.getElementById(toggle.dataset.toggles).classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  }
});

// A region that scrolls must be reachable by key; one that does not must not be a stop on the way.
const watcher = new ResizeObserver((entries) => {
  for (const region of new Set(entries.map(({ target }) => target.closest("[data-scroll]")))) {
    const scrolls = region.firstElementChild.offsetWidth > region.clientWidth + 1;
    region.classList.toggle("wide-table", scrolls);
    if (scrolls) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  }
});

function dress(root) {
  for (const region of all("[data-scroll]", root)) {
    watcher.observe(region);
    watcher.observe(region.firstElementChild);
  }
  for (const zone of all("[data-filedrop]", root)) fileDrop(zone);
  root.querySelector("[data-focus]:not([data-still] *)")?.focus();
}

function fileDrop(zone) {
  if (zone.dataset.ready) return;
  zone.dataset.ready = "1";
  const input = zone.querySelector("input[type=file]");
  const chosen = zone.querySelector(".chosen");
  const tell = () => {
    const files = [...input.files];
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const names = files.slice(0, 5).map((file) => file.name).join(", ");
    const more = files.length > 5 ? ` and ${files.length - 5} more` : "";
    chosen.textContent = files.length ? `${names}${more} (${(bytes / 1e6).toFixed(1)} MB)` : "";
  };
  input.addEventListener("change", tell);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

addEventListener("beforeprint", () => {
  for (const box of all("details:not([open])")) {
    box.dataset.shut = "1";
    box.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const box of all("details[data-shut]")) {
    delete box.dataset.shut;
    box.open = false;
  }
});

document.addEventListener("htmx:load", (event) => dress(event.detail.elt));
dress(document);
