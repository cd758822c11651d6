// When a segment's members have been found, the rest of its page is from before: load it anew, once no dialog is open.
const filling = () => document.querySelector("#state[data-filling]") !== null;
let before = filling();

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "state") return;
  if (before && !filling() && !document.querySelector("dialog[open]")) location.reload();
  before ||= filling();
});
