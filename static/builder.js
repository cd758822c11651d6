// The builder's keys: Backspace in an empty block removes it, Alt+arrows move it, Ctrl+Z undoes. Each presses a button.
import "./posting.js";
import { nodes, said } from "./standing.js";

function press(form, act) {
  form.querySelector(`button[name="act"][value="${act}"]`)?.click();
}

// Letters that were typed into a field are the browser's to undo.
function isTyped(field) {
  return field.matches("input[type=text], textarea") && field.value !== field.defaultValue;
}

const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "out", ArrowRight: "into" };
// Where the focus goes after a move: the node's place may be another one then.
let follow = null;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target.closest?.("#builder") ?? (event.target === document.body ? document.getElementById("builder") : null);
  if (!form) return;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && !isTyped(event.target)) {
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
    press(form, `${ARROWS[event.key]} ${path}`);
  } else if (event.key === "Backspace" && event.repeat) {
    // Somebody clears the word.
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

// What is asked beside the rule stops what this page asked before: nobody waits for that any more.
const page = `${Date.now()} ${Math.random()}`;
let turn = 0;
document.addEventListener("htmx:configRequest", (event) => {
  if (!["preview", "further"].includes(event.detail.elt.id)) return;
  turn += 1;
  Object.assign(event.detail.parameters, { page, turn });
});

// A menu that is left closes.
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// Where the focus goes after an answer: after a move it stays with what was moved, a condition or filter that was added is
// what is written next, at its first gap.
let added = "";
let narrowed = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "builder") return;
  const field = document.activeElement;
  const [verb, path, part] = (event.detail.requestConfig.triggeringEvent?.submitter?.value ?? "").split(" ");
  const node = field?.closest("[data-node]");
  const moves = Object.values(ARROWS).includes(verb) && node?.dataset.node === path;
  follow = moves ? { name: field.name?.slice(path.length), text: said(node) } : null;
  added = field?.matches?.("[data-add]") && field.value ? field.id : "";
  narrowed = verb === "filter" ? [path, part] : null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id !== "rule") return;
  const [one, start, field] = [follow, narrowed, document.getElementById(added)];
  [follow, narrowed, added] = [null, null, ""];
  if (document.activeElement?.dataset.owes !== undefined) return; // Somebody types already.
  if (one) followed(one)?.focus();
  if (field) (field.value ? field : gap(field) ?? field).focus();
  if (start) property(...start)?.focus();
});

function followed({ name, text }) {
  const node = nodes().find((one) => said(one) === text);
  return node?.querySelector(`[name="${node.dataset.node}${name}"]`) ?? node?.querySelector("select, input:not([type=hidden])");
}

// In the last condition of the field's group.
function gap(field) {
  const last = [...field.closest("fieldset").querySelectorAll(":scope > .condition")].pop();
  const words = [...(last?.querySelectorAll("input.word") ?? [])];
  return words.find((one) => one.value === "" && !one.hasAttribute("data-optional"))
    ?? last?.querySelector("input[name$=':times']") ?? last?.querySelector("input[name$=':number']") ?? words[0];
}

function property(path, part) {
  const start = part ? `${path}:${part}.where` : `${path}:where`;
  return [...document.querySelectorAll(`#rule input[name^="${start}"][name$=".property"]`)].pop();
}
