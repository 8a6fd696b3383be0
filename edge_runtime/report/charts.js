// Charts over time: lines with strips below them, and heat maps.

class TimeChart {
  constructor(figure, spec) {
    this.figure = figure;
    this.spec = spec;
    this.hidden = new Set();
    this.left = spec.strips ? 62 : 46;
    this.top = spec.unit ? 22 : 8;
    this.legend();
    const title = figure.querySelector("figcaption").textContent;
    this.svg = node("svg", { role: "img", tabindex: "0", "aria-label": `${title}, over time` });
    figure.append(this.svg);
    TIMED.push(this);
  }

  legend() {}

  size(height) {
    this.width = Math.max(200, this.figure.clientWidth - 28);
    this.right = this.width - 10;
    this.bottom = height;
    this.svg.replaceChildren();
  }

  // An overview keeps the whole run in sight and shades the window of the others.
  get window() { return this.spec.overview ? { from: WHOLE[0], to: WHOLE[1] } : VIEW; }

  x(t) { return this.left + ((t - this.window.from) / (this.window.to - this.window.from)) * (this.right - this.left); }

  timeAt(event) {
    const inside = (event.clientX - this.svg.getBoundingClientRect().left - this.left) / (this.right - this.left);
    const { from, to } = this.window;
    return from + Math.min(1, Math.max(0, inside)) * (to - from);
  }

  frame(total) {
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${total}`);
    this.svg.style.height = `${total}px`;
    const times = ticks(this.window.from, this.window.to, (this.right - this.left) / 75);
    for (const t of times.values) {
      node("line", { class: "gridline", x1: this.x(t), x2: this.x(t), y1: this.top, y2: this.bottom }, this.svg);
      if (this.x(t) < this.right - 14) label(this.svg, this.x(t), total - 5, format(t, times.step));
    }
    label(this.svg, this.right, total - 5, "s", "end");
  }

  marks() {
    if (this.spec.overview && VIEW.to - VIEW.from < WHOLE[1] - WHOLE[0]) {
      const width = this.x(VIEW.to) - this.x(VIEW.from);
      const box = { class: "shown", x: this.x(VIEW.from), width, y: this.top, height: this.bottom - this.top };
      node("rect", box, this.svg);
    }
    const clamp = (t) => Math.min(this.right, Math.max(this.left, this.x(t)));
    for (const [from, to] of DATA.invalid) {
      const [a, b] = [clamp(from), clamp(to)];
      if (b > a) {
        const attributes = { class: "invalid", x: a, width: b - a, y: this.top, height: this.bottom - this.top };
        node("rect", attributes, this.svg);
      }
    }
    for (const t of DATA.cuts.filter((c) => c >= this.window.from && c <= this.window.to)) {
      node("line", { class: "cut", x1: this.x(t), x2: this.x(t), y1: this.top, y2: this.bottom }, this.svg);
    }
  }

  overlay(total) {
    this.crossLine = node("line", { class: "cross", y1: this.top, y2: total - 18, visibility: "hidden" }, this.svg);
    const hit = { class: "hit", x: this.left, y: 0, width: this.right - this.left, height: total };
    node("rect", hit, this.svg);
  }

  cross(t) {
    const seen = t !== null && t >= this.window.from && t <= this.window.to;
    this.crossLine.setAttribute("visibility", seen ? "visible" : "hidden");
    if (!seen) return;
    this.crossLine.setAttribute("x1", this.x(t));
    this.crossLine.setAttribute("x2", this.x(t));
  }

  notes(t) {
    const rows = DATA.invalid.filter(([a, b]) => t >= a && t < b).map((span) => [null, DATA.shaded || "not valid", span[2]]);
    const near = (this.window.to - this.window.from) / 200;
    return rows.concat(DATA.cuts.filter((c) => Math.abs(c - t) < near).map(() => [null, "scene cut", ""]));
  }
}

class LineChart extends TimeChart {
  constructor(figure, spec) {
    super(figure, spec);
    let [low, high] = [0, spec.top || 0];
    for (const series of spec.series) {
      for (const y of series.y) {
        if (y === null) continue;
        if (y < low) low = y;
        if (y > high) high = y;
      }
    }
    if (spec.ref) high = Math.max(high, spec.ref.value * 1.08);
    if (high === low) high = low + 1;
    const margin = spec.top ? 0 : 0.05 * (high - low);
    this.low = low < 0 ? low - margin : 0;
    this.high = high + margin;
  }

  legend() {
    const row = html("div", { class: "legend" }, this.figure);
    for (const series of this.spec.series) {
      const button = html("button", { type: "button", "aria-pressed": "true" }, row);
      const key = node("svg", { width: 20, height: 8, style: "width:20px" }, button);
      const stroke = `stroke:var(--${series.color})`;
      node("line", { x1: 0, x2: 20, y1: 4, y2: 4, style: stroke, "stroke-width": 2.4, "stroke-dasharray": series.dash }, key);
      button.append(series.name);
      button.addEventListener("click", () => {
        if (!this.hidden.delete(series.name)) this.hidden.add(series.name);
        button.setAttribute("aria-pressed", String(!this.hidden.has(series.name)));
        this.draw();
      });
    }
    for (const strip of this.spec.strips || []) {
      for (const code of Object.keys(strip.labels)) {
        const color = stripColor(strip, code);
        if (!color) continue;
        const key = html("span", { class: "key" }, row);
        html("i", { style: `background:var(${color})` }, key);
        key.append(`${strip.name}: ${strip.labels[code]}`);
      }
    }
  }

  y(value) { return this.bottom - ((value - this.low) / (this.high - this.low)) * (this.bottom - this.top); }

  draw() {
    const strips = this.spec.strips || [];
    this.size(this.spec.height - 22);
    const total = this.bottom + 22 * strips.length + (strips.length ? 6 : 0) + 20;
    this.frame(total);
    const levels = ticks(this.low, this.high, (this.bottom - this.top) / 36);
    for (const value of levels.values) {
      const kind = value === 0 && this.low < 0 ? "zero" : "gridline";
      node("line", { class: kind, x1: this.left, x2: this.right, y1: this.y(value), y2: this.y(value) }, this.svg);
      label(this.svg, this.left - 6, this.y(value) + 4, format(value, levels.step), "end");
    }
    label(this.svg, this.left - 6, 11, this.spec.unit, "end");
    this.marks();
    this.curves();
    if (this.spec.ref) this.reference();
    strips.forEach((strip, i) => this.strip(strip, this.bottom + 6 + 22 * i));
    this.overlay(total);
  }

  reference() {
    const y = this.y(this.spec.ref.value);
    node("line", { class: "ref", x1: this.left, x2: this.right, y1: y, y2: y }, this.svg);
    label(this.svg, this.right - 4, y - 5, this.spec.ref.label, "end", "ref");
  }

  curves() {
    const id = `clip-${this.figure.dataset.chart}`;
    const clip = node("clipPath", { id }, this.svg);
    const area = { x: this.left, y: this.top - 2, width: this.right - this.left, height: this.bottom - this.top + 4 };
    node("rect", area, clip);
    const group = node("g", { "clip-path": `url(#${id})` }, this.svg);
    for (const series of this.spec.series) {
      if (this.hidden.has(series.name)) continue;
      const style = `stroke:var(--${series.color})`;
      const look = { class: "curve", style, "stroke-width": series.width, "stroke-dasharray": series.dash };
      node("path", { ...look, d: this.path(DATA.axes[series.axis], series.y) }, group);
    }
  }

  path(times, values) {
    const first = Math.max(0, nearest(times, this.window.from) - 1);
    const last = Math.min(times.length - 1, nearest(times, this.window.to) + 1);
    const perPixel = (last - first) / Math.max(1, this.right - this.left);
    const step = perPixel > 4 ? Math.ceil(perPixel) : 1;
    const gap = 3 * ((WHOLE[1] - WHOLE[0]) / times.length) + 0.05;
    let path = "", pen = false, before = -Infinity;
    for (let i = first; i <= last; i += step) {
      for (const k of step === 1 ? [i] : extremes(values, i, Math.min(last + 1, i + step))) {
        if (values[k] === null) { pen = false; continue; }
        if (times[k] - before > gap) pen = false;
        path += `${pen ? "L" : "M"}${this.x(times[k]).toFixed(1)} ${this.y(values[k]).toFixed(1)}`;
        pen = true;
        before = times[k];
      }
    }
    return path;
  }

  strip(strip, y) {
    label(this.svg, this.left - 6, y + 11, strip.name, "end");
    node("rect", { x: this.left, y, width: this.right - this.left, height: 15, rx: 3, style: "fill:var(--grid)" }, this.svg);
    for (const [from, to, code] of strip.spans) {
      const color = stripColor(strip, code);
      const a = Math.max(this.left, this.x(from)), b = Math.min(this.right, this.x(to));
      if (!color || b <= a) continue;
      const width = Math.max(0.7, b - a);
      node("rect", { x: a, y, width, height: 15, style: `fill:var(${color})`, "fill-opacity": 0.8 }, this.svg);
      if (strip.name === "governor" && width > 70) {
        const name = label(this.svg, (a + b) / 2, y + 11.5, strip.labels[code]);
        name.setAttribute("style", "fill:var(--card);font-weight:650");
      }
    }
  }

  hover(event, t) {
    const rows = this.spec.series.filter((series) => !this.hidden.has(series.name)).map((series) => {
      const value = series.y[nearest(DATA.axes[series.axis], t)];
      return [`--${series.color}`, series.name, value === null ? "\u2013" : `${value} ${this.spec.unit}`];
    });
    for (const strip of this.spec.strips || []) {
      const span = strip.spans.find(([a, b]) => t >= a && t < b);
      if (span) rows.push([stripColor(strip, span[2]), strip.name, strip.labels[span[2]]]);
    }
    showTip(event, `${t.toFixed(3)} s`, rows.concat(this.notes(t)));
  }
}

function extremes(values, from, to) {
  let low = -1, high = -1;
  for (let k = from; k < to; k++) {
    if (values[k] === null) continue;
    if (low < 0 || values[k] < values[low]) low = k;
    if (high < 0 || values[k] > values[high]) high = k;
  }
  return low < 0 ? [from] : low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
}

class HeatChart extends TimeChart {
  constructor(figure, spec) {
    super(figure, spec);
    this.rowHeight = 13;
    this.left = 150;
    this.top = 4;
    this.levels = Uint8Array.from(atob(spec.levels), (c) => c.charCodeAt(0));
    this.canvas = html("canvas", {}, figure);
    figure.append(this.svg);
    this.svg.style.position = "relative";
    const ramp = html("div", { class: "ramp" }, figure, "activation 0");
    this.rampCanvas = html("canvas", { width: 120, height: 1 }, ramp);
    ramp.append("1");
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.recolor(); this.draw(); });
    this.recolor();
  }

  recolor() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const stops = dark
      ? [[27, 35, 44], [33, 62, 99], [48, 110, 160], [96, 178, 208], [236, 246, 214]]
      : [[246, 248, 250], [198, 222, 236], [103, 169, 207], [28, 104, 166], [8, 40, 84]];
    this.palette = Array.from({ length: 256 }, (_, level) => {
      const at = (level / 255) * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(at));
      return stops[k].map((c, i) => Math.round(c + (at - k) * (stops[k + 1][i] - c)));
    });
    this.paintRamp();
  }

  paintRamp() {
    const ramp = this.rampCanvas.getContext("2d");
    for (let i = 0; i < 120; i++) {
      ramp.fillStyle = `rgb(${this.palette[Math.round((i / 119) * 255)]})`;
      ramp.fillRect(i, 0, 1, 1);
    }
  }

  draw() {
    const rows = this.spec.rows, height = rows.length * this.rowHeight;
    this.size(this.top + height);
    this.frame(this.bottom + 20);
    const outer = this.figure.getBoundingClientRect(), inner = this.svg.getBoundingClientRect();
    this.canvas.style.left = `${inner.left - outer.left - this.figure.clientLeft + this.left}px`;
    this.canvas.style.top = `${inner.top - outer.top - this.figure.clientTop + this.top}px`;
    this.blit(this.right - this.left, height);
    let group = null;
    rows.forEach((row, i) => {
      const y = this.top + i * this.rowHeight;
      label(this.svg, this.left - 6, y + 10, row.name.slice(0, -2), "end").style.fontSize = "9.5px";
      if (row.group === group) return;
      group = row.group;
      label(this.svg, 0, y + 10, group, "start", "strong").style.fontSize = "10px";
      if (i) node("line", { x1: 0, x2: this.right, y1: y, y2: y, style: "stroke:var(--card)", "stroke-width": 1.5 }, this.svg);
    });
    this.marks();
    this.overlay(this.bottom + 20);
  }

  // One pixel column shows the highest activation of the samples it covers.
  blit(width, height) {
    const { start, end, columns, rows } = this.spec, pixels = Math.round(width * (devicePixelRatio || 1));
    const image = new ImageData(pixels, rows.length);
    const step = ((VIEW.to - VIEW.from) / (end - start)) * (columns / pixels);
    const first = ((VIEW.from - start) / (end - start)) * columns;
    for (let px = 0; px < pixels; px++) {
      const from = Math.floor(first + px * step), to = Math.max(from + 1, Math.floor(first + (px + 1) * step));
      if (from < 0 || to > columns) continue;
      for (let row = 0; row < rows.length; row++) {
        let level = 0;
        for (let k = from; k < to; k++) level = Math.max(level, this.levels[row * columns + k]);
        image.data.set([...this.palette[level], 255], 4 * (row * pixels + px));
      }
    }
    this.canvas.width = pixels;
    this.canvas.height = rows.length;
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
  }

  hover(event, t) {
    const { start, end, columns, rows } = this.spec;
    const y = event.clientY - this.svg.getBoundingClientRect().top - this.top;
    const row = Math.min(rows.length - 1, Math.max(0, Math.floor(y / this.rowHeight)));
    const column = Math.floor(((t - start) / (end - start)) * columns);
    const inside = column >= 0 && column < columns;
    const value = inside ? (this.levels[row * columns + column] / 255).toFixed(2) : "\u2013";
    showTip(event, `${t.toFixed(3)} s`, [["--main", rows[row].name, value], [null, rows[row].group, ""], ...this.notes(t)]);
  }
}
