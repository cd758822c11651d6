// How a file of enrolments is to be read: each change asks what it would do. An answer to what stands no longer so is left,
// for it would overwrite what was typed meanwhile; that asks again itself, at the latest when its field is left.
let sent = "";
let xhr = null;

function whole() {
  const form = document.getElementById("reading");
  return form ? new URLSearchParams(new FormData(form)).toString() : "";
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "reading") return;
  sent = whole();
  xhr = event.detail.xhr;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr === xhr && whole() !== sent) event.detail.shouldSwap = false;
});
