// The live stream's pause button, and an end to the list: a thousand rows are enough for anybody.
const button = document.getElementById("pause");

button.addEventListener("click", () => {
  const paused = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(paused));
  button.querySelector("span").textContent = paused ? "Go on" : "Pause";
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.hasAttribute("data-stream") && button.getAttribute("aria-pressed") === "true") event.preventDefault();
});

document.addEventListener("htmx:afterSwap", () => {
  for (const row of [...document.querySelectorAll("#stream tbody tr")].slice(1000)) row.remove();
});
