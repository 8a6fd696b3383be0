// Charts without a time axis (stage bars, budget bar, histogram), and the start of the page.

class Still {
  constructor(figure, spec) {
    this.figure = figure;
    this.spec = spec;
    const title = figure.querySelector("figcaption").textContent;
    this.svg = node("svg", { role: "img", "aria-label": title });
    figure.append(this.svg);
    this.svg.addEventListener("pointerleave", hideTip);
  }

  canvas(height) {
    this.width = Math.max(200, this.figure.clientWidth - 28);
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.svg.style.height = `${height}px`;
  }

  tip(target, title, rows) {
    target.addEventListener("pointermove", (event) => showTip(event, title, rows));
  }

  axis(x, top, bottom, max) {
    const found = ticks(0, max, this.width / 90);
    for (const value of found.values) {
      node("line", { class: "gridline", x1: x(value), x2: x(value), y1: top, y2: bottom }, this.svg);
      if (x(value) < this.width - 30) label(this.svg, x(value), bottom + 14, format(value, found.step));
    }
    label(this.svg, this.width - 4, bottom + 14, this.spec.unit, "end");
  }

  reference(x, top, bottom) {
    const at = x(this.spec.ref.value);
    node("line", { class: "ref", x1: at, x2: at, y1: top, y2: bottom }, this.svg);
    label(this.svg, at - 5, top + 10, this.spec.ref.label, "end", "ref");
  }
}

const PART_COLORS = ["--right", "--second", "--green", "--purple", "--left", "--main", "--ink", "--quiet"];

class BudgetChart extends Still {
  draw() {
    const { parts, ref } = this.spec;
    this.canvas(74);
    const sum = parts.reduce((total, part) => total + part.value, 0);
    const max = Math.max(ref.value, sum) * 1.03, x = (v) => 2 + (v / max) * (this.width - 12);
    this.axis(x, 10, 48, max);
    node("rect", { x: x(0), y: 14, width: x(ref.value) - x(0), height: 28, rx: 5, style: "fill:var(--grid)" }, this.svg);
    let at = 0;
    parts.forEach((part, i) => {
      const attributes = { x: x(at), y: 14, width: Math.max(0, x(at + part.value) - x(at)), height: 28 };
      const box = node("rect", { ...attributes, style: `fill:var(${PART_COLORS[i]});stroke:var(--card)` }, this.svg);
      this.tip(box, part.name, [[PART_COLORS[i], "p50", `${part.value.toFixed(2)} ms`]]);
      at += part.value;
    });
    if (x(ref.value) - x(sum) > 90) {
      label(this.svg, (x(sum) + x(ref.value)) / 2, 32, `${(ref.value - sum).toFixed(1)} ms free`, "middle");
    }
    this.reference(x, 2, 48);
    this.key();
  }

  key() {
    if (this.figure.querySelector(".legend")) return;
    const row = html("div", { class: "legend" }, this.figure);
    this.spec.parts.forEach((part, i) => {
      const key = html("span", { class: "key" }, row);
      html("i", { style: `background:var(${PART_COLORS[i]})` }, key);
      key.append(`${part.name} ${part.value.toFixed(part.value < 1 ? 2 : 1)} ms`);
    });
  }
}

class BarsChart extends Still {
  draw() {
    const { rows, ref } = this.spec, left = 128, step = 24, top = 18;
    const right = this.figure.clientWidth - 28 - 138, bottom = top + rows.length * step + 2;
    this.canvas(bottom + 20);
    const max = Math.max(ref.value * 1.04, ...rows.map((row) => row.p99 || 0)) * 1.02;
    const x = (v) => left + (Math.min(v, max) / max) * (right - left);
    this.axis(x, top, bottom, max);
    ["p50", "p99", "max"].forEach((name, k) => label(this.svg, right + 48 + 45 * k, 11, name, "end"));
    rows.forEach((row, i) => this.row(row, top + i * step, left, right, x, max));
    this.reference(x, 0, bottom);
  }

  row(row, y, left, right, x, max) {
    const strong = row.name.startsWith("capture") ? "strong" : "";
    label(this.svg, left - 8, y + 15, row.name, "end", strong);
    if (row.n === 0) return;
    const color = strong ? "--main" : "--right";
    const fill = `fill:var(${color})`, stroke = { style: `stroke:var(${color})`, "stroke-width": 3, "stroke-opacity": 0.5 };
    node("rect", { x: left, y: y + 5, width: Math.max(1, x(row.p50) - left), height: 12, rx: 2, style: fill }, this.svg);
    node("line", { x1: x(row.p50), x2: x(row.p99), y1: y + 11, y2: y + 11, ...stroke }, this.svg);
    if (row.max <= max) node("circle", { cx: x(row.max), cy: y + 11, r: 3, style: fill }, this.svg);
    [row.p50, row.p99, row.max].forEach((value, k) => {
      label(this.svg, right + 48 + 45 * k, y + 15, value.toFixed(value < 100 ? 2 : 0), "end", strong);
    });
    const hit = node("rect", { class: "hit", x: 0, y, width: this.width, height: 22 }, this.svg);
    const values = ["p50", "p90", "p99", "p99_9", "max"].map((k) => [null, k.replace("_", "."), `${row[k].toFixed(2)} ms`]);
    this.tip(hit, `${row.name}, n ${row.n}`, values);
  }
}

class HistogramChart extends Still {
  draw() {
    const { edges, counts } = this.spec, left = 40, height = 216;
    this.canvas(height + 20);
    const most = Math.max(1, ...counts);
    const x = (v) => left + (v / edges[edges.length - 1]) * (this.width - left - 8);
    const y = (v) => height - (v / most) * (height - 18);
    this.axis(x, 8, height, edges[edges.length - 1]);
    const levels = ticks(0, most, 5);
    for (const value of levels.values) {
      label(this.svg, left - 6, y(value) + 4, format(value, levels.step), "end");
      node("line", { class: "gridline", x1: left, x2: this.width - 8, y1: y(value), y2: y(value) }, this.svg);
    }
    counts.forEach((count, i) => {
      const a = x(edges[i]), width = Math.max(1, x(edges[i + 1]) - a - 1);
      if (count) node("rect", { x: a, y: y(count), width, height: height - y(count), style: "fill:var(--main)" }, this.svg);
      const hit = node("rect", { class: "hit", x: a, y: 0, width, height }, this.svg);
      const last = i === counts.length - 1 ? " and more" : "";
      this.tip(hit, `${edges[i].toFixed(2)} \u2013 ${edges[i + 1].toFixed(2)} ms${last}`, [["--main", "frames", String(count)]]);
    });
    this.reference(x, 0, height);
  }
}

const KINDS = { line: LineChart, heat: HeatChart, budget: BudgetChart, bars: BarsChart, histogram: HistogramChart };
const CHARTS = [...document.querySelectorAll("figure[data-chart]")].map((figure) => {
  const spec = DATA.charts[figure.dataset.chart];
  return new KINDS[spec.kind](figure, spec);
});
for (const chart of CHARTS) chart.draw();
for (const chart of TIMED) steer(chart);
setWindow(...DATA.window);
document.getElementById("reset").addEventListener("click", () => setWindow(...WHOLE));
let lastWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  for (const chart of CHARTS) chart.draw();
});
