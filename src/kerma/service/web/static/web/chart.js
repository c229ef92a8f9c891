// Makes a chart interactive: the Vega-Lite spec beside it is drawn over the server's SVG. Without the
// bundle, or when drawing fails, the SVG that came with the page stays.
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

// The interpreter (ast) needs no eval and the styles are in kerma.css, so the strict CSP stands.
const OPTIONS = {
  ast: true, actions: false, renderer: "svg", defaultStyle: false, mode: "vega-lite",
  tooltip: { disableDefaultStyle: true },
};

async function draw(figure) {
  const source = figure.querySelector('script[type="application/json"]');
  const plot = figure.querySelector("[data-plot]");
  if (!source || figure.dataset.drawn) return;
  figure.dataset.drawn = "1";
  const still = [...plot.childNodes];
  try {
    await bundle(figure.dataset.bundle);
    const stage = document.createElement("div");
    const result = await window.vegaEmbed(stage, JSON.parse(source.textContent), OPTIONS);
    plot.replaceChildren(stage);
    // A point that carries an address opens it: the survey behind a result.
    result.view.addEventListener("click", (_, item) => {
      const url = item?.datum?.url;
      if (typeof url === "string" && url.startsWith("/")) location.assign(url);
    });
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
});
const watch = (root) => root.querySelectorAll("[data-chart][data-bundle]").forEach((f) => seen.observe(f));
watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
