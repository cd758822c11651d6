// The queue by keyboard: j joins, n keeps apart, l puts off; arrows go to the pair before and the next.
const STEPS = { ArrowUp: "before", ArrowLeft: "before", ArrowDown: "after", ArrowRight: "after" };

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog, .chart")) return;
  const match = document.querySelector("[data-match]");
  if (!match) return;
  const button = match.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (button) {
    event.preventDefault();
    button.click();
    return;
  }
  const address = match.dataset[STEPS[event.key]];
  if (address) {
    event.preventDefault();
    location.assign(address);
  }
});

// Whoever answers by keyboard or screen reader goes on at the next pair.
document.addEventListener("htmx:afterSwap", () => document.getElementById("match")?.focus({ preventScroll: true }));
