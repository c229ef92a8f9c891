// The two questions of the survey grid. Their markup is templates/web/parts/grid_dialogs.html.
const NUMBER = /^[<>]?\s*[+\-−]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$/;

function ask(id) {
  const dialog = document.getElementById(id);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "save"), { once: true });
  });
}

// The reason a test was not done, or nothing when the person changed their mind.
export async function askNotDone(which) {
  const dialog = document.getElementById("grid-not-done");
  dialog.querySelector("[data-which]").textContent = which;
  const reason = dialog.querySelector("[name=reason]");
  reason.value = "";
  return (await ask("grid-not-done")) ? reason.value.trim() : "";
}

export function readColumn(text) {
  return text.split(/[\n\r\t;]+/).map((line) => line.trim()).filter(Boolean);
}

// The values to fill in, none when cancelled. Text that is no number is refused as a whole: a
// half-pasted column would put values beside the wrong tests.
export async function askPaste(text, room) {
  const dialog = document.getElementById("grid-paste");
  const box = dialog.querySelector("textarea");
  const preview = dialog.querySelector("[data-preview]");
  const button = dialog.querySelector("button[value=save]");
  const check = () => {
    const values = readColumn(box.value);
    const odd = values.find((value) => !NUMBER.test(value));
    const problem = odd !== undefined ? `“${odd}” is not a number.`
      : values.length > room ? `${values.length} values, but only ${room} fields from here on.` : "";
    preview.textContent = problem || (values.length ? `${values.length} of ${room} fields.` : "");
    button.disabled = Boolean(problem) || !values.length;
  };
  box.value = text;
  box.oninput = check;
  check();
  return (await ask("grid-paste")) ? readColumn(box.value) : [];
}
