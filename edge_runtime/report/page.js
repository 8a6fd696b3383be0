// Shared by all charts of the report: data, one time window, hover, small drawing helpers.
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const WHOLE = [0, DATA.duration_s];
const VIEW = { from: WHOLE[0], to: WHOLE[1] };
const TIMED = []; // charts that share the time window
const TIP = document.getElementById("tip");
const STRIP_COLORS = {
  OFF: "--line", IDLE: "--line", READY: "--quiet", ARMED: "--main", ENGAGED: "--green", DEGRADED: "--left", SAFE: "--bad",
};
const QUIET_NAMES = { none: null, disengaged: "--line" };
const REASON_COLORS = [
  "--left", "--quiet", "--second", "--bad", "--purple", "--right", "--green", "--main", "--ink",
];

function node(tag, attributes, parent) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

function label(parent, x, y, text, anchor = "middle", kind = "") {
  const made = node("text", { x, y, "text-anchor": anchor, class: kind }, parent);
  made.textContent = text;
  return made;
}

function html(tag, attributes, parent, text = "") {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-6; k++) found.push(k * step);
  return { step, values: found };
}

function format(value, step) {
  const digits = Math.max(0, Math.min(4, -Math.floor(Math.log10(step) + 1e-9)));
  return (Math.abs(value) < step * 1e-6 ? 0 : value).toFixed(digits).replace("-", "\u2212");
}

function nearest(times, t) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle; else high = middle;
  }
  return Math.abs(times[high] - t) < Math.abs(times[low] - t) ? high : low;
}

function stripColor(strip, code) {
  const name = strip.labels[code];
  if (name in QUIET_NAMES) return QUIET_NAMES[name];
  return STRIP_COLORS[name] || REASON_COLORS[(code - 1) % REASON_COLORS.length];
}

function showTip(event, title, rows) {
  TIP.replaceChildren();
  html("b", {}, TIP, title);
  for (const [color, name, value] of rows) {
    const row = html("div", {}, TIP);
    html("i", { style: color ? `background:var(${color})` : "" }, row);
    html("span", {}, row, name);
    html("span", {}, row, value);
  }
  TIP.hidden = false;
  const left = event.pageX + 18 + TIP.offsetWidth > window.scrollX + innerWidth - 8
    ? event.pageX - 18 - TIP.offsetWidth : event.pageX + 18;
  TIP.style.left = `${Math.max(4, left)}px`;
  TIP.style.top = `${event.pageY + 14}px`;
}

function hideTip() { TIP.hidden = true; }

function setWindow(from, to) {
  const width = Math.min(Math.max(to - from, 0.05), WHOLE[1] - WHOLE[0]);
  VIEW.from = Math.min(Math.max(from, WHOLE[0]), WHOLE[1] - width);
  VIEW.to = VIEW.from + width;
  document.getElementById("window").textContent = `${VIEW.from.toFixed(2)} \u2013 ${VIEW.to.toFixed(2)} s`;
  for (const chart of TIMED) chart.draw();
}

function crosshair(t) { for (const chart of TIMED) chart.cross(t); }

// Drag selects a window, double click shows the whole run, arrows move, + and - zoom.
function steer(chart) {
  const svg = chart.svg;
  let start = null;
  const brush = node("rect", { class: "brush", y: chart.top, height: 0 });
  svg.addEventListener("pointermove", (event) => {
    const t = chart.timeAt(event);
    crosshair(t);
    chart.hover(event, t);
    if (start === null) return;
    const [a, b] = [start, t].sort((p, q) => p - q).map((s) => chart.x(s));
    brush.setAttribute("x", a);
    brush.setAttribute("width", b - a);
    brush.setAttribute("height", chart.bottom - chart.top);
    svg.append(brush);
  });
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") return;
    start = chart.timeAt(event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [a, b] = [start, chart.timeAt(event)].sort((p, q) => p - q);
    start = null;
    brush.remove();
    if (chart.x(b) - chart.x(a) > 6) setWindow(a, b);
  });
  svg.addEventListener("pointerleave", () => { hideTip(); crosshair(null); });
  svg.addEventListener("dblclick", () => setWindow(...WHOLE));
  svg.addEventListener("keydown", (event) => {
    const width = VIEW.to - VIEW.from, middle = (VIEW.from + VIEW.to) / 2;
    const moves = {
      ArrowLeft: () => setWindow(VIEW.from - width / 4, VIEW.to - width / 4),
      ArrowRight: () => setWindow(VIEW.from + width / 4, VIEW.to + width / 4),
      "+": () => setWindow(middle - width / 4, middle + width / 4),
      "-": () => setWindow(middle - width, middle + width),
      Escape: () => setWindow(...WHOLE),
    };
    if (!moves[event.key]) return;
    moves[event.key]();
    event.preventDefault();
  });
}
