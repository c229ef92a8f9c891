// The look a person chose: colours, row height, single-letter keys. Two cookies let the server send
// the page in it; the keys' switch stays in this browser.
const YEAR = 31536000;

export function keysOn() {
  return localStorage.getItem("kerma-keys") !== "off";
}

function remember(name, value) {
  document.cookie = `kerma-${name}=${value};path=/;max-age=${value ? YEAR : 0};samesite=lax`;
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
}

document.documentElement.classList.add("js");
for (const form of document.querySelectorAll("[data-display]")) {
  form.elements.keys.checked = keysOn();
  form.addEventListener("change", ({ target }) => {
    if (target.name === "keys") localStorage.setItem("kerma-keys", target.checked ? "on" : "off");
    else remember(target.name, target.value);
  });
}
