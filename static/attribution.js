// What attribution's pages need of script: charts as pictures to keep, and filters that answer as soon as they are changed.
import { pictureOf } from "./charts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-picture]");
  if (!button) return;
  const place = button.closest("section").querySelector("[data-chart]");
  if (!place?.figure) return;
  button.disabled = true;
  try {
    const link = document.createElement("a");
    link.href = await pictureOf(place, button.dataset.picture);
    link.download = `${button.dataset.file || "chart"}.png`;
    link.click();
  } finally {
    button.disabled = false;
  }
});

// 'Other dates' shows its two fields at once; any other choice is asked for as it is made.
document.addEventListener("change", (event) => {
  const form = event.target.form;  // a field may stand outside of its form
  if (!form?.hasAttribute("data-filters")) return;
  const own = event.target.name === "period" && event.target.value === "own";
  form.querySelector("[data-own]")?.toggleAttribute("hidden", form.elements.period?.value !== "own");
  if (!own) htmx.trigger(form, "chosen");
});
