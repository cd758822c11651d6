// Suggestions under a field that has a datalist: what has really arrived, with counts, by keyboard or pointer.
const box = document.createElement("ul");
box.id = "suggested";
box.setAttribute("role", "listbox");
box.setAttribute("aria-label", "Suggestions");
box.hidden = true;
document.body.append(box);

const MOST = 40;
let field = null;
let at = -1;
// What the field said when it was entered: as long as it says that, everything is offered.
let entered = "";

function options(input) {
  const list = document.getElementById(input.dataset.list);
  return list ? [...list.options].map((one) => ({ text: one.value, beside: one.textContent.trim() })) : [];
}

// All words that were typed, anywhere; what begins with them first.
function matching(input) {
  const typed = input.value.trim().toLowerCase();
  const all = options(input);
  if (!typed || (input.value === entered && !input.matches("[data-add]"))) return all.slice(0, MOST);
  const words = typed.split(/\s+/);
  const found = all.filter((one) => words.every((word) => one.text.toLowerCase().includes(word)));
  const rank = (one) => {
    const text = one.text.toLowerCase();
    return text === typed ? 0 : text.split(/[\s_.]+/).some((word) => word.startsWith(words[0])) ? 1 : 2;
  };
  return found.map((one, place) => [rank(one), place, one]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, MOST).map((one) => one[2]);
}

function show() {
  const found = matching(field);
  at = -1;
  field.removeAttribute("aria-activedescendant");
  const only = found.length === 1 && found[0].text === field.value;
  box.hidden = !found.length || only;
  field.setAttribute("aria-expanded", String(!box.hidden));
  if (box.hidden) return;
  box.replaceChildren(...found.map((one, place) => {
    const item = document.createElement("li");
    item.id = `suggested-${place}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.text = one.text;
    const text = document.createElement("span");
    text.textContent = one.text;
    const beside = document.createElement("span");
    beside.className = "beside";
    beside.textContent = one.beside;
    item.append(text, beside);
    return item;
  }));
  const place = field.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(place.left, innerWidth - box.offsetWidth - 8)) + scrollX}px`;
  const below = place.bottom + 4 + box.offsetHeight <= innerHeight || place.top < box.offsetHeight + 8;
  box.style.top = `${(below ? place.bottom + 4 : place.top - box.offsetHeight - 4) + scrollY}px`;
}

function hide() {
  box.hidden = true;
  at = -1;
  field?.setAttribute("aria-expanded", "false");
  field?.removeAttribute("aria-activedescendant");
}

function choose(item) {
  field.value = item.dataset.text;
  hide();
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function step(by) {
  const items = [...box.children];
  items[at]?.setAttribute("aria-selected", "false");
  at = (at + by + items.length + 1) % (items.length + 1);
  if (at === items.length) at = -1;
  const item = items[at];
  item?.setAttribute("aria-selected", "true");
  item?.scrollIntoView({ block: "nearest" });
  if (item) field.setAttribute("aria-activedescendant", item.id);
  else field.removeAttribute("aria-activedescendant");
}

document.addEventListener("focusin", (event) => {
  const input = event.target;
  if (!input.matches?.("#builder input[list], #builder input[data-list]")) return;
  if (input.hasAttribute("list")) {
    // Ours instead of the browser's, which has no counts and no look.
    input.dataset.list = input.getAttribute("list");
    input.removeAttribute("list");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-controls", "suggested");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
  }
  field = input;
  entered = input.value;
  // A field for a new condition opens when something is typed or asked for: it has the focus too often.
  if (!input.matches("[data-add]") && !input.value) show();
});
document.addEventListener("focusout", (event) => { if (event.target === field) hide(); });
document.addEventListener("input", (event) => {
  if (event.target !== field) return;
  if (field.value || !field.matches("[data-add]")) show();
  else hide();
});
document.addEventListener("click", (event) => { if (event.target === field && box.hidden) show(); });
box.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  if (item) choose(item);
});
document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.target?.id === "rule") hide(); });

// Before the builder's own keys: Enter on a suggestion takes it.
document.addEventListener("keydown", (event) => {
  if (event.target !== field || event.altKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    event.stopPropagation();
    if (box.hidden) show();
    if (!box.hidden) step(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && !box.hidden && at >= 0) {
    event.preventDefault();
    event.stopPropagation();
    choose(box.children[at]);
  } else if (event.key === "Escape" && !box.hidden) {
    event.preventDefault();
    event.stopPropagation();
    hide();
  }
}, true);
