// Regions as SVG. Points are (column, row) with pixel centres at integers, as the analyses state them.
const make = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

const SHAPES = {
  rectangle: ([[x0, y0], [x1, y1]]) => ["rect", {
    x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0),
  }],
  circle: ([[x, y], [rx, ry]]) => ["circle", { cx: x, cy: y, r: Math.hypot(rx - x, ry - y) }],
  polygon: (points) => ["polygon", { points: points.map((p) => p.join(",")).join(" ") }],
  line: ([[x1, y1], [x2, y2]]) => ["line", { x1, y1, x2, y2 }],
  point: ([[x, y]]) => ["path", { d: `M${x - 4} ${y}h8M${x} ${y - 4}v8` }],
};

export function drawRegion(region) {
  const group = make("g", { tabindex: "0", role: "button", "aria-label": region.name });
  const [name, attributes] = SHAPES[region.shape](region.points);
  const x = Math.min(...region.points.map(([px]) => px));
  const y = Math.min(...region.points.map(([, py]) => py));
  const corner = region.shape === "circle" ? [attributes.cx - attributes.r, attributes.cy - attributes.r] : [x, y];
  const label = make("text", { x: corner[0], y: corner[1], dy: "-0.35em" });
  label.textContent = region.name;
  // The wide invisible stroke makes a thin outline easy to hit.
  group.append(make(name, { ...attributes, class: "hit" }), make(name, attributes), label);
  return group;
}

export function moved(region, dx, dy) {
  return { ...region, points: region.points.map(([x, y]) => [x + dx, y + dy]) };
}
