// The builder's keys: Backspace in an empty block removes it, Alt+arrows move it, Ctrl+Z undoes. Each presses a button.
function press(form, act) {
  form.querySelector(`button[name="act"][value="${act}"]`)?.click();
}

const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "out", ArrowRight: "into" };
// Where the focus goes after a move: the node's place may be another one then.
let follow = null;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target.closest?.("#builder") ?? (event.target === document.body ? document.getElementById("builder") : null);
  if (!form) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && event.target.value === event.target.defaultValue) {
    event.preventDefault();
    press(form, "undo");
    return;
  }
  if (event.key === "Escape") event.target.closest("details.menu[open]")?.removeAttribute("open");
  const node = event.target.closest("[data-node]");
  if (!node) return;
  const path = node.dataset.node;
  if (event.altKey && ARROWS[event.key]) {
    event.preventDefault();
    if (path === "r") return;
    follow = { name: event.target.name?.slice(path.length), text: said(node) };
    press(form, `${ARROWS[event.key]} ${path}`);
  } else if (event.key === "Backspace" && event.target.matches("input[type=text]:not([data-add])") && event.target.value === "") {
    event.preventDefault();
    press(form, `remove ${path}`);
  } else if (event.key === "Backspace" && event.target.matches("[data-add]") && event.target.value === "") {
    const last = [...node.querySelectorAll(":scope > [data-node]")].pop();
    if (path !== "r" && !last) press(form, `remove ${path}`);
  } else if (event.key === "Enter" && event.target.matches("input, select")) {
    // The form's first button would be pressed; here Enter means: take this, count again.
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// A menu that is left closes.
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// What the controls of a form or node say, without the paths of their nodes.
function said(part) {
  const named = [...part.querySelectorAll("[name*=':']")].filter((one) => one.type !== "checkbox" || one.checked);
  return named.map((one) => `${one.name.split(":").slice(1).join(":")}=${one.value}`).join("&");
}

// After a condition was added, go on where the sentence has its first gap; after a move, stay with what was moved.
let added = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "builder") return;
  const field = document.activeElement;
  added = field?.matches?.("[data-add]") && field.value ? field.id : "";
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id !== "rule") return;
  if (follow) {
    const node = [...document.querySelectorAll("#rule [data-node]")].find((one) => said(one) === follow.text);
    (node?.querySelector(`[name="${node.dataset.node}${follow.name}"]`) ?? node?.querySelector("select, input:not([type=hidden])"))?.focus();
    follow = null;
  }
  if (!added) return;
  const field = document.getElementById(added);
  const blocks = field?.closest("fieldset").querySelectorAll(":scope > .condition");
  const last = blocks?.[blocks.length - 1];
  const gap = last && [...last.querySelectorAll("input.word")].find((one) => one.value === "" && !one.hasAttribute("data-optional"));
  const first = gap ?? last?.querySelector("input[name$=':times']") ?? last?.querySelector("input[name$=':number']") ?? last?.querySelector("input.word");
  (field?.value ? field : first ?? field)?.focus();
  added = "";
});

// A filter that was asked for is what is written next.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id !== "rule" || !narrowed) return;
  const [path, part] = narrowed;
  const start = part ? `${path}:${part}.where` : `${path}:where`;
  [...document.querySelectorAll(`#rule input[name^="${start}"][name$=".property"]`)].pop()?.focus();
  narrowed = null;
});

// An answer that comes while somebody types on would wipe the new letters out: leave it. Their own change asks again.
let asked = "";
let acted = false;
let narrowed = null;
function whole(form) {
  return new URLSearchParams(new FormData(form)).toString();
}
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "builder") return;
  asked = whole(event.detail.elt);
  const act = event.detail.requestConfig.triggeringEvent?.submitter?.value ?? "";
  acted = Boolean(act);
  narrowed = act.startsWith("filter ") ? act.split(" ").slice(1) : null;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = document.getElementById("builder");
  if (event.detail.target?.id !== "rule") return;
  if (!acted && whole(form) !== asked) event.detail.shouldSwap = false;
  swapping = event.detail.shouldSwap;
});

// A field that goes away while it has the focus says that it was changed: it was, and has been answered.
let swapping = false;
document.addEventListener("change", (event) => { if (swapping) event.stopImmediatePropagation(); }, true);
document.addEventListener("htmx:afterSwap", () => { swapping = false; });
