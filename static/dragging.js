// Conditions and groups are moved by their grip. What is dropped presses a button: 'move <node> <group> <place>'.
let held = null;
let landing = null;
let target = null;

function nodesOf(group) {
  return [...group.querySelectorAll(":scope > [data-node]")];
}

// The group under the pointer, and before which of its nodes the pointer is.
function aim(x, y) {
  landing.remove();
  const under = document.elementFromPoint(x, y)?.closest("#rule [data-group]");
  if (!under || held.contains(under)) return null;
  const nodes = nodesOf(under);
  const before = nodes.findIndex((one) => {
    const box = one.getBoundingClientRect();
    return y < box.top + box.height / 2;
  });
  const place = before < 0 ? nodes.length : before;
  const next = nodes[place] ?? under.querySelector(":scope > .adding");
  under.insertBefore(landing, next);
  return { group: under, place };
}

function move(event) {
  document.querySelectorAll(".group.receives").forEach((one) => one.classList.remove("receives"));
  target = aim(event.clientX, event.clientY);
  target?.group.classList.add("receives");
  const edge = 48;
  if (event.clientY < edge) scrollBy(0, -12);
  if (event.clientY > innerHeight - edge) scrollBy(0, 12);
}

function end(event) {
  removeEventListener("pointermove", move);
  removeEventListener("pointerup", end);
  removeEventListener("pointercancel", end);
  removeEventListener("keydown", cancel);
  document.body.classList.remove("dragging");
  document.querySelectorAll(".group.receives").forEach((one) => one.classList.remove("receives"));
  landing.remove();
  held.classList.remove("dragged");
  if (event.type === "pointerup" && target) {
    const button = document.getElementById("any-act");
    button.value = `move ${held.dataset.node} ${target.group.dataset.node} ${target.place}`;
    button.click();
    button.value = "";
  }
  held = target = null;
}

function cancel(event) {
  if (event.key === "Escape") end(event);
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  if (!grip || event.button !== 0) return;
  event.preventDefault();
  held = grip.closest("[data-node]");
  landing = document.createElement("div");
  landing.className = "landing";
  held.classList.add("dragged");
  document.body.classList.add("dragging");
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
  addEventListener("keydown", cancel);
});
