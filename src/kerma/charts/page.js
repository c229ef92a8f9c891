// Draws the charts of a page without evaluating any text as code, so that a content security
// policy without 'unsafe-eval' and without 'unsafe-inline' holds: expressions are parsed to a tree
// (ast) and interpreted, and no style element is added.
//
//   <div class="chart" data-chart="chart-1"></div>
//   <script type="application/json" id="chart-1">{ ...specification... }</script>
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const themes = {
  light: { text: "#55635d", grid: "#dfe4e0" },
  dark: { text: "#9fb0a8", grid: "#29332f" },
};

function themeName() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
}

function themeConfig() {
  const { text, grid } = themes[themeName()];
  return {
    background: "transparent",
    axis: { labelColor: text, titleColor: text, gridColor: grid },
    legend: { labelColor: text, titleColor: text },
    title: { color: text },
  };
}

const drawn = new Map();

async function draw(element, spec) {
  const old = element.kermaView;
  const result = await vegaEmbed(element, spec, {
    ast: true,
    actions: false,
    defaultStyle: false,
    renderer: "canvas",
    config: themeConfig(),
    tooltip: { disableDefaultStyle: true },
  });
  if (old) old.finalize();
  element.kermaView = result.view;
  drawn.set(element, spec);
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", spec.description || "");
  return result.view;
}

function drawAll(root) {
  const places = Array.from((root || document).querySelectorAll('[data-chart]:not([data-chart=""])'));
  return Promise.all(
    places.map((element) => {
      const source = document.getElementById(element.dataset.chart);
      if (!source) return null;
      return draw(element, JSON.parse(source.textContent)).catch((error) => {
        element.textContent = "This chart could not be drawn: " + error.message;
      });
    }),
  );
}

function redraw() {
  for (const [element, spec] of [...drawn]) {
    if (element.isConnected) draw(element, spec);
    else drawn.delete(element);
  }
}

window.kermaCharts = { draw, drawAll, redraw };
dark.addEventListener("change", redraw);
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
if (document.readyState === "loading") {
  document.addEventListener("DOMContentLoaded", () => drawAll());
} else {
  drawAll();
}
