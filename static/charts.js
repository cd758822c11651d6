// Draws the Plotly figures of a page in the colours of its theme. The script (4.8 MB, kept for good) is loaded only when needed.
let loading;

function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = document.querySelector("meta[name=plotly]").content;
    script.onload = () => done(window.Plotly);
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

function colours(value, style) {
  // A colour is given as a token's name: "--accent".
  if (typeof value === "string" && value.startsWith("--")) return canvasColour(style.getPropertyValue(value));
  if (Array.isArray(value)) return value.map((one) => colours(one, style));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, colours(v, style)]));
  return value;
}

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const probe = document.createElement("span");

function canvasColour(token) {
  // Plotly knows neither oklch() nor light-dark(): let the browser paint it and read the pixel.
  probe.style.color = token;
  document.body.append(probe);
  const computed = getComputedStyle(probe).color;
  probe.remove();
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = computed;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${(a / 255).toFixed(3)})`;
}

export async function drawCharts(root, again = false) {
  const places = [...root.querySelectorAll("[data-chart]")].filter((place) => again || !place.dataset.drawn);
  if (!places.length) return;
  const Plotly = await plotly();
  const style = getComputedStyle(document.documentElement);
  for (const place of places) {
    place.dataset.drawn = "1";
    place.figure ??= JSON.parse(place.querySelector("script").textContent);
    const figure = colours(place.figure, style);
    Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, responsive: true });
  }
}
