// Makes a chart interactive: the Vega-Lite spec beside it is drawn in place of the server's SVG by the
// script kerma.charts assembles. Without it, or when drawing fails, the SVG stays.
const loaded = new Map();

function bundle(src) {
  if (!loaded.has(src)) {
    loaded.set(src, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.type = "module";
      script.src = src;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));
  }
  return loaded.get(src);
}

async function draw(figure) {
  const source = figure.querySelector('script[type="application/json"]');
  const plot = figure.querySelector("[data-plot]");
  if (!source || figure.dataset.drawn) return;
  figure.dataset.drawn = "1";
  const still = [...plot.childNodes];
  const stage = document.createElement("div");
  try {
    await bundle(figure.dataset.bundle);
    plot.append(stage); // in the page, so that it can take its width from it
    await window.kermaCharts.draw(stage, JSON.parse(source.textContent));
    plot.replaceChildren(stage);
    plot.removeAttribute("role");
  } catch (error) {
    plot.replaceChildren(...still);
    figure.dataset.drawn = "still";
    console.info("Chart stays still:", error.message ?? error);
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) {
      seen.unobserve(target);
      draw(target);
    }
  }
}, { rootMargin: "400px" });
const watch = (root) => root.querySelectorAll("[data-chart][data-bundle]").forEach((f) => seen.observe(f));
watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
