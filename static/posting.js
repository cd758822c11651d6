// What the builder posts, and when. An act (remove, move, undo …) is never dropped: what is pressed or changed while one
// is on its way waits for its answer. A plain change gives way to whatever comes after it, whose post has everything.
import { carry, placed, standing } from "./standing.js";

let sent = null; // what is on its way: its act, the form as it was
let acts = []; // pressed meanwhile, of the rule as it is shown
const changed = new Set(); // the controls that were changed meanwhile, by name
let pressed = false; // a button is held down
let held = null; // an answer that waits for that to end
let leaving = false; // it was saved

function builder() {
  return document.getElementById("builder");
}
function whole() {
  return new URLSearchParams(new FormData(builder())).toString();
}
function actOf(event) {
  return event?.submitter?.value ?? "";
}

// Any act, also the empty one, which takes what was changed.
function post(act) {
  const button = document.getElementById("any-act");
  button.value = act;
  button.click();
  button.value = "";
}

// What was taken away or saved by the first press has nothing left for a second.
function repeated(act) {
  return /^(save|draft|remove|un(?!do))/.test(act) && [sent.act, ...acts].includes(act);
}

document.addEventListener("htmx:confirm", (event) => {
  if (event.detail.elt.id !== "builder") return;
  if (!sent?.act) {
    held = null;
    return;
  }
  event.preventDefault();
  const act = actOf(event.detail.triggeringEvent);
  if (!act) changed.add(event.detail.triggeringEvent?.target.name);
  else if (!repeated(act)) acts.push(act);
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "builder") return;
  const { requestConfig, xhr } = event.detail;
  changed.clear();
  sent = { act: actOf(requestConfig.triggeringEvent), whole: whole(), standing: standing(), xhr };
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr !== sent?.xhr || !event.detail.xhr.getResponseHeader("HX-Redirect")) return;
  leaving = ["save", "draft"].includes(sent.act);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!held && !sent?.settling) done(event.detail.xhr);
});

// The answer to a change that comes while somebody types on is left: their own change asks again.
function outdated() {
  if (sent.act || whole() === sent.whole) return false;
  owes(document.activeElement);
  return true;
}
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "rule" || !event.detail.shouldSwap) return;
  if (pressed) held = event.detail;
  if (held || outdated()) event.detail.shouldSwap = false;
  else begin();
});

let typed = null;
function begin() {
  sent.settling = true;
  typed = standing();
}
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.elt.id !== "rule" || !typed) return;
  const carried = carry(sent.standing, typed);
  const field = document.activeElement;
  if (carried.includes(field) && !changed.has(field.name)) owes(field);
  acts = acts.map((act) => moved(act, sent.standing)).filter(Boolean);
  typed = null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  const { elt, xhr } = event.detail;
  if (elt.id === "rule") queueMicrotask(() => done(xhr)); // after the focus has moved
});

// An act with the paths that its nodes have by now; nothing if one of them is gone.
function moved(act, before) {
  const words = act.split(" ").map((word) => (/^r(\.\d+)*$/.test(word) ? placed(word, before) : word));
  return words.includes(null) ? "" : words.join(" ");
}

// Nothing to do where another post has followed by now.
function done(xhr) {
  if (sent?.xhr !== xhr) return;
  sent = null;
  if (leaving) return;
  const act = acts.shift();
  if (act) post(act);
  // What is half typed into a field for a new condition isn't one yet; when it is left it takes the rest along.
  else if (changed.size && !document.activeElement?.matches("[data-add][data-owes]")) post("");
}

// A field goes away while it has the focus: it says then that it was changed. What it held has been carried over.
document.addEventListener("change", (event) => {
  if (typed) event.stopImmediatePropagation();
  else delete event.target.dataset.owes;
}, true);

// What a script wrote into a field is no change to the browser: it is said when the field is left.
function owes(field) {
  if (field?.matches("#builder input[type=text]")) field.dataset.owes = "";
}
document.addEventListener("focusout", (event) => {
  if (!typed && event.target.dataset?.owes !== undefined) event.target.dispatchEvent(new Event("change", { bubbles: true }));
});

// While a button is held down an answer waits: what is let go of must be what was pressed.
let soon = 0;
function release() {
  pressed = false;
  const answer = held;
  held = null;
  if (!answer) return;
  if (outdated()) {
    done(answer.xhr);
    return;
  }
  begin();
  const event = answer.xhr.getResponseHeader("HX-Trigger-After-Swap");
  htmx.swap("#rule", answer.serverResponse, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 }, {
    contextElement: builder(),
    eventInfo: answer,
    afterSwapCallback: () => { if (event) htmx.trigger(builder(), event); },
  });
}
document.addEventListener("pointerdown", (event) => {
  clearTimeout(soon);
  pressed = event.button === 0 && event.target.closest("#builder :is(button, summary, [data-grip])") !== null;
}, true);
// A click comes right after; where none comes, it was let go elsewhere.
document.addEventListener("click", () => { if (pressed) setTimeout(release); }, true);
for (const name of ["pointerup", "pointercancel", "blur"]) {
  addEventListener(name, () => { if (pressed) soon = setTimeout(release, 100); });
}

// Nobody leaves what isn't saved unasked.
function written() {
  const named = [...new FormData(builder())].filter(([name]) => name.includes(":") || ["name", "description"].includes(name));
  return new URLSearchParams(named).toString();
}
let loaded = written();
addEventListener("beforeunload", (event) => { if (!leaving && written() !== loaded) event.preventDefault(); });
addEventListener("pageshow", (event) => {
  if (!event.persisted || !leaving) return;
  leaving = false;
  loaded = written();
});
