// When a segment's members have been found, the rest of its page is from before: load it anew, once no dialog is open.
// What the page stands at is compared, not what was seen: a fill may begin and end between two looks.
function follow() {
  const now = document.getElementById("state")?.dataset;
  const page = document.querySelector("[data-page-stands-at]")?.dataset;
  if (!now || !page || "filling" in now || now.standsAt === page.pageStandsAt) return;
  if (!document.querySelector("dialog[open]")) location.reload();
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "state") follow();
});
follow(); // it may have looked before this was loaded
