// The builder's keys: Backspace in an empty block removes it, Alt+arrows move it, Ctrl+Z undoes. Each presses a button.
function press(form, act) {
  form.querySelector(`button[name="act"][value="${act}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("#builder") ?? (event.target === document.body ? document.getElementById("builder") : null);
  if (!form) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && event.target.value === event.target.defaultValue) {
    event.preventDefault();
    press(form, "undo");
    return;
  }
  const path = event.target.closest("[data-node]")?.dataset.node;
  if (!path) return;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    press(form, `${event.key === "ArrowUp" ? "up" : "down"} ${path}`);
  } else if (event.key === "Backspace" && event.target.matches("input[type=text]:not([data-add])") && event.target.value === "") {
    event.preventDefault();
    press(form, `remove ${path}`);
  } else if (event.key === "Enter" && event.target.matches("input, select")) {
    // The form's first button would be pressed; here Enter means: take this, count again.
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// After a condition was added, go on where the sentence has its first gap.
let added = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  const field = document.activeElement;
  added = field?.matches?.("[data-add]") && field.value ? field.id : "";
});
document.addEventListener("htmx:afterSettle", () => {
  if (!added) return;
  const field = document.getElementById(added);
  const blocks = field?.closest("fieldset").querySelectorAll(":scope > .condition");
  const last = blocks?.[blocks.length - 1];
  (last?.querySelector("input.word:not([value]), input.word[value=''], input[id$=times], input[id$=within]") ?? field)?.focus();
  added = "";
});

// An answer that comes while somebody types on would wipe the new letters out: leave it. Their own change asks again.
let asked = "";
let acted = false;

function said(form) {
  return new URLSearchParams(new FormData(form)).toString();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "builder") return;
  asked = said(event.detail.elt);
  acted = Boolean(event.detail.requestConfig.triggeringEvent?.submitter?.value);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = document.getElementById("builder");
  if (event.detail.target === form && !acted && said(form) !== asked) event.detail.shouldSwap = false;
});
