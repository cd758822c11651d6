// What every page needs of script: the search palette, the theme, copying, live parts that wait while nobody looks.
import { drawCharts } from "./charts.js";

const palette = document.getElementById("palette");

function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
  const input = palette.querySelector("input");
  input.select();
  htmx.trigger(input, "search");
}

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  const wanted = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing(event.target));
  if (wanted) {
    event.preventDefault();
    openPalette();
    return;
  }
  // Arrows walk through a list of results, from its field and back.
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const box = event.target.closest("[data-walk], #palette");
    if (!box) return;
    const stops = [box.querySelector("input[type=search]"), ...box.querySelectorAll(".results a, [data-results] a.row")];
    const at = stops.indexOf(event.target);
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at >= 0 && next) {
      event.preventDefault();
      next.focus();
    }
  }
});

document.addEventListener("click", async (event) => {
  if (event.target === palette) palette.close();
  const button = event.target.closest("button, [data-copy]");
  if (!button) return;
  if (button.hasAttribute("data-palette")) openPalette();
  if (button.hasAttribute("data-theme-toggle")) {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
      || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    const theme = dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
    drawCharts(document, true);
  }
  if (button.dataset.copy !== undefined) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.getAttribute("aria-label") || "";
    button.classList.add("copied");
    button.setAttribute("aria-label", "Copied");
    const words = button.querySelector("[data-word]");
    if (words) words.textContent = "Copied";
    setTimeout(() => {
      button.setAttribute("aria-label", before);
      if (words) words.textContent = "Copy";
    }, 1500);
  }
  if (button.dataset.opens) document.getElementById(button.dataset.opens)?.showModal();
  if (button.hasAttribute("data-close")) button.closest("dialog")?.close();
});

// What didn't work is said, whoever asked for it; the next answer takes it back.
const trouble = document.getElementById("trouble");
function say(words) {
  if (!trouble) return;
  trouble.hidden = !words;
  trouble.querySelector("[data-word]").textContent = words;
}
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  const stale = event.detail.xhr.getResponseHeader("X-Stale-Form");
  say(stale ? "This page is from before you signed in anew. Open it in another tab, and send it from there: what you typed is still here."
    : status === 403 ? "You may not do that. Ask an admin for the role that may."
    : status === 404 ? "It isn't there any more. Load the page again."
    : `That didn't work (${status}), and nothing was changed. Try again; if it stays, tell an admin.`);
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => say("The server can't be reached. What you see may be old; it is asked again by itself."));
}
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) say(""); });

// On a phone tabs may be wider than the window: the open one is in sight.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const tabs = tab.closest(".tabs");
  const beyond = tab.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
  if (beyond > 0) tabs.scrollLeft += beyond + 16;
}

// A page that nobody looks at asks for nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.hasAttribute("data-live")) event.preventDefault();
});
document.addEventListener("htmx:afterSwap", (event) => drawCharts(event.target));
drawCharts(document);
