// Draws the Plotly figures of a page in the colours of its theme. The script (4.8 MB, kept for good) is loaded only when needed.
let loading;

export function plotly() {
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
  // Or as the hue of a thing that has one on every page, with how much of it covers what is below: "hue:200", "hue:200/0.4".
  const hue = typeof value === "string" && value.match(/^hue:(\d+)(?:\/([\d.]+))?$/);
  if (hue) return canvasColour(`light-dark(oklch(0.62 0.14 ${hue[1]} / ${hue[2] || 1}), oklch(0.72 0.13 ${hue[1]} / ${hue[2] || 1}))`);
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
    const layout = narrowed(place, figure);
    await Plotly.react(place, figure.data, layout, { displayModeBar: false, responsive: true });
    if (!place.leads) place.on("plotly_click", follow);
    place.leads = true;
  }
}

// Where there is little room a figure may be laid out otherwise (`narrow`), and names beside marks give way.
function narrowed(place, figure) {
  if (!figure.narrow || place.clientWidth > 560) return figure.layout;
  figure.data = figure.data.map((one) => (one.mode === "markers+text" ? { ...one, mode: "markers" } : one));
  return { ...figure.layout, ...figure.narrow };
}

// A point, bar or stream that carries an address leads there.
function follow(event) {
  const address = event.points[0]?.customdata;
  if (typeof address === "string" && address.startsWith("/")) location.assign(address);
}

// The figure of a place as a picture for a slide: on the page's ground, under a title.
export async function pictureOf(place, title) {
  const Plotly = await plotly();
  const style = getComputedStyle(document.documentElement);
  const figure = colours(place.figure, style);
  const margin = figure.layout.margin || {};
  const layout = {
    ...figure.layout,
    width: 1000,
    height: (figure.layout.height || 270) + 40,
    paper_bgcolor: canvasColour(style.getPropertyValue("--surface")),
    margin: { ...margin, t: (margin.t || 0) + 40 },
    title: { text: title, x: 0.02, y: 0.97, yanchor: "top", font: { size: 16, color: canvasColour(style.getPropertyValue("--ink")) } },
  };
  return Plotly.toImage({ data: figure.data, layout }, { format: "png", width: 1000, height: layout.height, scale: 2 });
}
