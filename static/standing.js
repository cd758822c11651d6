// How the builder's rule stands: what each node says, what each control holds, and where both are after an answer.

// What the controls of a form or node say, without the paths of their nodes.
export function said(part) {
  const named = [...part.querySelectorAll("[name*=':']")].filter((one) => one.type !== "checkbox" || one.checked);
  return named.map((one) => `${one.name.split(":").slice(1).join(":")}=${one.value}`).join("&");
}

export function nodes() {
  return [...document.querySelectorAll("#rule [data-node]")];
}

// Boxes of one list have one name: their value tells them apart.
function keyOf(control) {
  return control.type === "checkbox" ? `${control.name}=${control.value}` : control.name;
}

function holds(control) {
  return control.type === "checkbox" ? control.checked : control.value;
}

function controls() {
  const all = document.querySelectorAll("#rule :is(input:not([type=hidden]), select)[name*=':']");
  return new Map([...all].map((one) => [keyOf(one), one]));
}

export function standing() {
  const held = [...controls()].map(([key, one]) => [key, holds(one)]);
  const field = document.activeElement;
  const inRule = field?.matches("#rule :is(input, select)[name*=':']");
  return {
    said: new Map(nodes().map((one) => [one.dataset.node, said(one)])),
    held: new Map(held),
    focus: inRule ? { key: keyOf(field), from: field.selectionStart, to: field.selectionEnd } : null,
  };
}

// Where the node is now that stood at a path before: where it is said the same; or there still, if it is itself what
// changed. Null when it is gone.
export function placed(path, before) {
  const now = nodes();
  const same = now.filter((one) => said(one) === before.said.get(path)).map((one) => one.dataset.node);
  if (path === "r" || same.includes(path)) return path;
  if (same.length) return same[0];
  const there = now.find((one) => one.dataset.node === path);
  return there && ![...before.said.values()].includes(said(there)) ? path : null;
}

// After an answer: what was typed or chosen since it was asked for, in the same controls again, unless the answer
// says something else in them. Gives the controls that hold such.
export function carry(asked, typed) {
  const places = new Map([...asked.said.keys()].map((path) => [path, placed(path, asked)]));
  const now = controls();
  const at = (key) => {
    const path = key.split(":", 1)[0];
    return now.get(places.get(path) + key.slice(path.length));
  };
  const carried = [];
  for (const [key, value] of typed.held) {
    const before = asked.held.get(key);
    const control = at(key);
    if (value === before || !control || holds(control) !== before) continue;
    if (control.type === "checkbox") control.checked = value;
    else control.value = value;
    carried.push(control);
  }
  const field = typed.focus && at(typed.focus.key);
  if (field) {
    field.focus({ preventScroll: true });
    if (field.type === "text") field.setSelectionRange(typed.focus.from, typed.focus.to);
  }
  return carried;
}
