"use strict";
// Draws the numbers of the page. All charts are SVG; images of tables are drawn on a
// canvas and put into the SVG. Nothing is fetched.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const RUN = "#2563a8", WITNESS = "#d1495b", FLOOR = 1e-8;
const SHADES = [[255, 255, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181],
  [8, 48, 107]];
const state = { frame: DATA.times.length - 1, log: false };
const updates = [];

// ---- small helpers

function make(tag, attributes = {}, ...children) {
  const node = tag.startsWith("svg:")
    ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function told(x) {
  if (x === null || x === undefined) return "not known";
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return x.toExponential(2);
  return String(Number(x.toPrecision(4)));
}

function tick(x) {
  const size = Math.abs(x);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? Number(x.toPrecision(3)).toExponential() : told(x);
}

const known = values => values.filter(v => v !== null && v !== undefined);
const largest = values => values.reduce((a, b) => Math.max(a, b), -Infinity);
const smallest = values => values.reduce((a, b) => Math.min(a, b), Infinity);

function ticks(low, high, number) {
  const rough = (high - low) / number || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(m => m * power >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9); k++) {
    found.push(Number((k * step).toPrecision(12)));
  }
  return found;
}

function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / 5));
  const between = last - first <= 1 ? [1, 2, 3, 5] : last - first <= 2 ? [1, 2, 5]
    : last - first <= 3 ? [1, 3] : [1];
  const found = [];
  for (let k = last; k >= first; k -= every) {
    found.push(...between.map(m => Number((m * 10 ** k).toPrecision(12))));
  }
  return found.filter(v => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
}

function shade(part) {
  const place = Math.min(Math.max(part, 0), 1) * (SHADES.length - 1);
  const k = Math.min(Math.floor(place), SHADES.length - 2);
  return SHADES[k].map((c, i) => Math.round(c + (place - k) * (SHADES[k + 1][i] - c)));
}

// ---- a chart: axes, and what is drawn inside them

class Chart {
  constructor(parent, { title = "", xLabel = "", yLabel = "", width = 320,
    height = 190, about = "" }) {
    this.box = { left: 52, top: 24, right: width - 12, bottom: height - 34 };
    this.svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": about || `${title} ${yLabel}` });
    this.frame = make("svg:g");
    this.inside = make("svg:g");
    const middle = (this.box.left + this.box.right) / 2;
    this.svg.append(this.frame, this.inside,
      make("svg:text", { x: this.box.left, y: 15, class: "title" }, title),
      make("svg:text", { x: middle, y: height - 4, class: "label" }, xLabel),
      make("svg:text", { class: "label", transform:
        `translate(11 ${(this.box.top + this.box.bottom) / 2}) rotate(-90)` }, yLabel));
    this.readout = make("svg:text", { x: this.box.right, y: 15, class: "readout" });
    this.svg.append(this.readout);
    parent.append(this.svg);
  }

  axes(x, y) {
    // x, y: { low, high, log, whole }
    Object.assign(this, { x, y });
    this.frame.replaceChildren();
    const { left, right, top, bottom } = this.box;
    const marks = (axis, n) => (axis.log ? logTicks(axis.low, axis.high)
      : ticks(axis.low, axis.high, n)).filter(v => !axis.whole || Number.isInteger(v));
    for (const value of marks(y, 4)) {
      const place = this.toY(value);
      this.frame.append(
        make("svg:line", { x1: left, x2: right, y1: place, y2: place, class: "grid" }),
        make("svg:text", { x: left - 5, y: place + 3, class: "tick end" }, tick(value)));
    }
    for (const value of marks(x, 5)) {
      this.frame.append(make("svg:text",
        { x: this.toX(value), y: bottom + 13, class: "tick middle" }, tick(value)));
    }
    this.frame.append(
      make("svg:line", { x1: left, x2: left, y1: top, y2: bottom, class: "axis" }),
      make("svg:line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" }));
  }

  toX(value) {
    return this.box.left + part(value, this.x) * (this.box.right - this.box.left);
  }

  toY(value) {
    return this.box.bottom - part(value, this.y) * (this.box.bottom - this.box.top);
  }

  clear() { this.inside.replaceChildren(); }

  line(xs, ys, color, dash = "") {
    let path = "", pen = "M";
    xs.forEach((x, i) => {
      if (ys[i] === null || (this.y.log && ys[i] <= 0)) { pen = "M"; return; }
      path += `${pen}${this.toX(x).toFixed(1)} ${this.toY(ys[i]).toFixed(1)}`;
      pen = "L";
    });
    this.inside.append(make("svg:path", { d: path, stroke: color, class: "line",
      "stroke-dasharray": dash }));
  }

  dots(xs, ys, color) {
    xs.forEach((x, i) => {
      if (ys[i] === null || (this.y.log && ys[i] <= 0)) return;
      this.inside.append(make("svg:circle", { cx: this.toX(x), cy: this.toY(ys[i]),
        r: 2.4, fill: color }));
    });
  }

  band(xs, lows, highs, color) {
    const seen = xs.map((_, i) => i).filter(i => lows[i] !== null && highs[i] !== null
      && !(this.y.log && highs[i] <= 0));
    if (!seen.length) return;
    const at = (i, ys) => `${this.toX(xs[i]).toFixed(1)} ${this.toY(ys[i]).toFixed(1)}`;
    const there = seen.map(i => at(i, highs)), back = seen.map(i => at(i, lows));
    const path = `M${there.join("L")}L${back.reverse().join("L")}Z`;
    this.inside.append(make("svg:path", { d: path, fill: color, class: "band" }));
  }

  steps(edges, values, color, { fill = false, dash = "" } = {}) {
    const floor = this.toY(this.y.log ? this.y.low : 0);
    let path = `M${this.toX(edges[0]).toFixed(1)} ${floor.toFixed(1)}`;
    values.forEach((value, i) => {
      const y = (value > 0 || !this.y.log ? this.toY(value) : floor).toFixed(1);
      path += `L${this.toX(edges[i]).toFixed(1)} ${y}L${this.toX(edges[i + 1]).toFixed(1)} ${y}`;
    });
    path += `L${this.toX(edges[edges.length - 1]).toFixed(1)} ${floor.toFixed(1)}`;
    this.inside.append(make("svg:path", { d: path, stroke: color, class: "line",
      "stroke-dasharray": dash, ...(fill ? { style: `fill: ${color}; fill-opacity: 0.14` }
        : {}) }));
  }

  upright(x, color) {
    const place = this.toX(x);
    this.inside.append(make("svg:line", { x1: place, x2: place, y1: this.box.top,
      y2: this.box.bottom, stroke: color, class: "cursor" }));
  }

  picture(rows, color) {
    // rows from the bottom upwards; `color(value)` is [red, green, blue]
    const canvas = make("canvas", { width: rows[0].length, height: rows.length });
    const brush = canvas.getContext("2d");
    const image = brush.createImageData(canvas.width, canvas.height);
    rows.forEach((row, i) => row.forEach((value, j) => {
      const place = 4 * ((rows.length - 1 - i) * canvas.width + j);
      image.data.set([...color(value), value === null ? 0 : 255], place);
    }));
    brush.putImageData(image, 0, 0);
    const { left, right, top, bottom } = this.box;
    this.inside.append(make("svg:image", { href: canvas.toDataURL(), x: left, y: top,
      width: right - left, height: bottom - top, preserveAspectRatio: "none",
      class: "picture" }));
  }

  onPoint(tell) {
    this.svg.addEventListener("pointermove", event => {
      const found = this.inData(event);
      this.readout.textContent = found ? tell(...found) : "";
    });
    this.svg.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
  }

  inData(event) {
    const matrix = this.svg.getScreenCTM();
    if (!matrix || !this.x) return null;
    const point = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(matrix.inverse());
    const { left, right, top, bottom } = this.box;
    const [u, v] = [(point.x - left) / (right - left), (bottom - point.y) / (bottom - top)];
    if (u < 0 || u > 1 || v < 0 || v > 1) return null;
    return [this.x.low + u * (this.x.high - this.x.low),
      this.y.low + v * (this.y.high - this.y.low)];
  }
}

function part(value, axis) {
  const span = axis.log ? Math.log(axis.high / axis.low) : axis.high - axis.low;
  const away = axis.log ? Math.log(Math.max(value, axis.low * 1e-3) / axis.low)
    : value - axis.low;
  return Math.min(Math.max(away / (span || 1), -0.02), 1.02);
}

// the top of an axis that changes in few steps while a law changes
function ceiling(peak) {
  const power = 10 ** Math.floor(Math.log10(1.05 * peak || 1));
  return power * [1, 1.5, 2, 3, 5, 10].find(m => m * power >= 1.05 * peak);
}

function nearest(xs, x) {
  let best = 0;
  xs.forEach((one, i) => { if (Math.abs(one - x) < Math.abs(xs[best] - x)) best = i; });
  return best;
}

function timeAxis(times) {
  const low = times[0], high = times[times.length - 1];
  return low < high ? { low, high } : { low: low - 0.5, high: high + 0.5 };
}

function valueAxis(values, { log = null, zero = true } = {}) {
  const seen = known(values), positive = seen.filter(v => v > 0);
  const wants = log ?? (positive.length > 1 && positive.length === seen.length
    && largest(positive) / smallest(positive) > 50);
  if (wants && positive.length) {
    const low = smallest(positive), high = largest(positive);
    return low < high ? { low: low / 1.3, high: high * 1.3, log: true }
      : { low: low / 3, high: high * 3, log: true };
  }
  let low = smallest(seen), high = largest(seen);
  if (!seen.length) return { low: 0, high: 1 };
  if (zero && low >= 0) low = 0;
  if (!(low < high)) [low, high] = [low - (zero && low === 0 ? 0 : 0.5), high + 0.5];
  return { low, high: high + 0.06 * (high - low) };
}

// ---- laws over time

function lawPanel(parent, law) {
  const panel = make("figure", { class: "panel" });
  parent.append(panel);
  const edges = law.law[0].map((_, i) => law.low + i * law.width - 0.5);
  edges.push(law.low + law.law[0].length * law.width - 0.5);
  const chart = new Chart(panel, { title: law.name, xLabel: "count",
    yLabel: law.width > 1 ? `probability, bins of ${law.width}` : "probability" });
  const tables = [...law.law, ...(law.witness ?? []).filter(Boolean)];
  const peaks = law.law[0].map((_, i) => largest(tables.map(row => row[i])));
  const least = () => largest(peaks) * (state.log ? 1e-7 : 1e-3);
  chart.onPoint(x => {
    const i = Math.min(Math.max(Math.floor((x + 0.5 - law.low) / law.width), 0),
      law.law[0].length - 1);
    const where = law.width > 1 ? `${law.low + i * law.width}…` : law.low + i;
    return `${where}: ${told(law.law[state.frame][i])}`;
  });
  const draw = () => {
    const seen = peaks.map((p, i) => (p > least() ? i : -1)).filter(i => i >= 0);
    const other = law.witness?.[state.frame];
    const top = ceiling(largest([...law.law[state.frame], ...(other ?? [])]));
    chart.axes({ low: edges[seen[0]], high: edges[seen[seen.length - 1] + 1], whole: true },
      state.log ? { low: FLOOR, high: 1, log: true } : { low: 0, high: top });
    chart.clear();
    chart.steps(edges, law.law[state.frame], RUN, { fill: true });
    if (other) chart.steps(edges, other, WITNESS, { dash: "4 3" });
  };
  updates.push(draw);
  if (DATA.means.times.length > 1) meanChart(panel, law.name);
}

function meanChart(panel, name) {
  const { times } = DATA.means, mean = DATA.means.mean[name], sd = DATA.means.sd[name];
  const other = DATA.means.witness?.mean[name], others = DATA.means.witness?.times;
  const lows = mean.map((m, i) => Math.max(m - sd[i], 0));
  const highs = mean.map((m, i) => m + sd[i]);
  const chart = new Chart(panel, { xLabel: "time", yLabel: "mean ± sd", height: 130,
    about: `mean of ${name} over time` });
  chart.axes(timeAxis(times), valueAxis([...lows, ...highs, ...(other ?? [])]));
  chart.onPoint(x => {
    const i = nearest(times, x);
    return `t = ${told(times[i])}: ${told(mean[i])} ± ${told(sd[i])}`;
  });
  updates.push(() => {
    chart.clear();
    chart.band(times, lows, highs, RUN);
    chart.line(times, mean, RUN);
    if (other) chart.line(others, other, WITNESS, "4 3");
    chart.upright(DATA.times[state.frame], "#6b7280");
  });
}

function jointPanel(parent, joint, key) {
  const panel = make("figure", { class: "panel" });
  parent.append(panel);
  const who = key === "law" ? DATA.engine : DATA.witness_engine;
  const [a, b] = joint.names;
  const chart = new Chart(panel, { title: `${who}`, xLabel: b, yLabel: a, height: 320,
    about: `joint law of ${a} and ${b}` });
  const tables = joint[key];
  const [rows, columns] = joint.shape;
  const axis = k => ({ low: joint.low[k] - 0.5, whole: true,
    high: joint.low[k] + joint.shape[k] * joint.width[k] - 0.5 });
  chart.axes(axis(1), axis(0));
  const place = (value, k) => Math.min(Math.floor((value + 0.5 - joint.low[k])
    / joint.width[k]), joint.shape[k] - 1);
  chart.onPoint((x, y) => {
    const table = tables[state.frame];
    return table && `${a} ${Math.round(y)}, ${b} ${Math.round(x)}: ${
      told(table[place(y, 0) * columns + place(x, 1)])}`;
  });
  const caption = make("figcaption", { class: "scale" });
  panel.append(caption);
  updates.push(() => {
    chart.clear();
    const table = tables[state.frame];
    caption.replaceChildren();
    if (!table) return;
    const peak = largest(table) || 1;
    const color = value => shade(state.log
      ? 1 - Math.log(Math.max(value, FLOOR * peak) / peak) / Math.log(FLOOR)
      : Math.sqrt(value / peak));
    scaleBar(caption, state.log ? FLOOR * peak : 0, peak);
    const lines = [];
    for (let i = 0; i < rows; i++) lines.push(table.slice(i * columns, (i + 1) * columns));
    chart.picture(lines, color);
  });
}

// ---- lattices: means over the sites as images

function latticePanel(parent, kind, pick) {
  const lattice = DATA.lattice, [rows, columns] = lattice.shape;
  const panel = make("figure", { class: "panel" });
  parent.append(panel);
  const top = largest(kind.mean.flat());
  const color = value => (value === null ? [230, 230, 230] : shade(value / (top || 1)));
  const isRow = rows === 1;
  const chart = new Chart(panel, { title: `mean of ${kind.name}`, height: 320,
    xLabel: isRow ? "time" : lattice.labels[1], yLabel: isRow ? "site" : lattice.labels[0] });
  const find = (x, y) => (isRow ? Math.round(y)
    : lattice.sites.indexOf(Math.round(y) * columns + Math.round(x)));
  if (isRow) {
    chart.axes({ low: 0, high: DATA.times.length }, { low: -0.5, high: columns - 0.5,
      whole: true });
    timeTicks(chart);
  } else {
    // the first index runs downwards, as in a matrix
    chart.axes({ low: -0.5, high: columns - 0.5, whole: true },
      { low: rows - 0.5, high: -0.5 });
    rowTicks(chart, rows);
  }
  chart.onPoint((x, y) => {
    const frame = isRow ? Math.min(Math.floor(x), DATA.times.length - 1) : state.frame;
    const site = find(x, y);
    return site < 0 ? "" : `${kind.name}${lattice.names[site]} at t = ${
      told(DATA.times[frame])}: ${told(kind.mean[frame][site])} ± ${
      told(kind.sd[frame][site])}`;
  });
  chart.svg.addEventListener("click", event => {
    const found = chart.inData(event);
    const site = found ? find(...found) : -1;
    if (site >= 0) pick(site);
  });
  updates.push(() => {
    chart.clear();
    if (isRow) {
      const line = Array.from({ length: columns }, (_, site) =>
        DATA.times.map((_, frame) => kind.mean[frame][site]));
      chart.picture(line, color);
      chart.upright(state.frame + 0.5, WITNESS);
    } else {
      const table = Array.from({ length: rows }, () => Array(columns).fill(null));
      lattice.sites.forEach((place, site) => {
        table[Math.floor(place / columns)][place % columns] = kind.mean[state.frame][site];
      });
      chart.picture(table.reverse(), color);
    }
  });
  const caption = make("figcaption", { class: "scale" });
  scaleBar(caption, 0, top);
  panel.append(caption);
}

function timeTicks(chart) {
  // frames need not be evenly spaced in time: ticks name the times of some frames
  const { bottom } = chart.box, number = DATA.times.length;
  chart.frame.querySelectorAll(".middle").forEach(node => node.remove());
  for (const k of new Set([0, 0.25, 0.5, 0.75, 1].map(f => Math.round(f * (number - 1))))) {
    chart.frame.append(make("svg:text", { x: chart.toX(k + 0.5), y: bottom + 13,
      class: "tick middle" }, tick(DATA.times[k])));
  }
}

function rowTicks(chart, rows) {
  chart.frame.querySelectorAll(".grid, .end").forEach(node => node.remove());
  for (const value of ticks(0, rows - 1, 5).filter(Number.isInteger)) {
    chart.frame.append(make("svg:text", { x: chart.box.left - 5,
      y: chart.toY(value) + 3, class: "tick end" }, String(value)));
  }
}

function scaleBar(caption, low, high) {
  const colors = SHADES.map(c => `rgb(${c.join(",")})`).join(",");
  caption.append(make("span", {}, told(low)),
    make("i", { style: `background: linear-gradient(to right, ${colors})` }),
    make("span", {}, told(high)));
}

// ---- answers, comparison, health

function overTime(parent, { title = "", times, values, errors, other, log, zero, label }) {
  const panel = make("figure", { class: "panel" });
  parent.append(panel);
  const chart = new Chart(panel, { title, xLabel: "time", yLabel: label });
  const reach = (vs, es, sign) => vs.map((v, i) =>
    (v === null || es[i] === null ? null : v + sign * es[i]));
  const low = reach(values, errors, -1), high = reach(values, errors, 1);
  const all = [...values, ...(other?.values ?? []), ...high, ...(log ? [] : low)];
  const y = valueAxis(log ? all.filter(v => v > 0) : all, { log: log || null, zero });
  chart.axes(timeAxis(times), y);
  const below = y.log ? low.map(v => (v === null ? null : Math.max(v, y.low))) : low;
  chart.band(times, below, high, RUN);
  chart.line(times, values, RUN);
  if (times.length <= 60) chart.dots(times, values, RUN);
  if (other) {
    const lows = reach(other.values, other.errors, -1);
    chart.band(other.times, y.log ? lows.map(v => (v === null ? null
      : Math.max(v, y.low))) : lows, reach(other.values, other.errors, 1), WITNESS);
    chart.line(other.times, other.values, WITNESS, "4 3");
  }
  chart.onPoint(x => {
    const i = nearest(times, x);
    return `t = ${told(times[i])}: ${told(values[i])} ± ${told(errors[i])}`;
  });
}

function answerLaw(parent, answer) {
  // dist of one species: a curve at each of a few times
  const panel = make("figure", { class: "panel" });
  parent.append(panel);
  const number = answer.law[0].length;
  const edges = Array.from({ length: number + 1 },
    (_, i) => answer.low + i * answer.width - 0.5);
  const chart = new Chart(panel, { xLabel: "count",
    yLabel: "probability" });
  const tops = answer.law.map(largest), spread = tops.filter(top => top < 0.999);
  chart.axes({ low: edges[0], high: edges[number], whole: true },
    { low: 0, high: 1.08 * largest(spread.length ? spread : tops) });
  const key = make("figcaption", { class: "key" });
  answer.law.forEach((law, k) => {
    const early = answer.law.length > 1 ? k / (answer.law.length - 1) : 1;
    const color = `rgb(${shade(0.35 + 0.65 * early).join(",")})`;
    chart.steps(edges, law, color);
    key.append(make("span", { style: `--color: ${color}` }, `t = ${told(answer.times[k])}`));
    const other = answer.witness?.[k];
    if (other) chart.steps(edges, other, WITNESS, { dash: "4 3" });
  });
  panel.append(key);
}

function healthPanel(card) {
  const item = DATA.health.find(one => one.key === card.dataset.health);
  overTime(card.querySelector(".chart"), { times: item.t, label: item.label,
    values: item.values, errors: item.values.map(() => null), zero: true });
}

function distancePanel(parent) {
  const { times, laws } = DATA.distances;
  const panel = make("figure", { class: "panel wide" });
  parent.append(panel);
  const chart = new Chart(panel, { title: "Hellinger distance", xLabel: "time",
    yLabel: "distance", width: 640, height: 240 });
  const all = laws.flatMap(law => [...law.distance, ...law.limit]).filter(v => v > 0);
  chart.axes(timeAxis(times), valueAxis(all.length ? all : [0, 1]));
  const key = make("figcaption", { class: "key" });
  laws.forEach((law, k) => {
    const color = `hsl(${(210 + k * 67) % 360} 60% 42%)`;
    chart.line(times, law.distance, color);
    if (law.limit.some(v => v > 0)) chart.line(times, law.limit, color, "2 3");
    key.append(make("span", { style: `--color: ${color}` }, law.name));
  });
  panel.append(key);
}

// ---- the page

function show(frame) {
  state.frame = frame;
  const words = `t = ${told(DATA.times[frame])}`;
  for (const one of document.querySelectorAll("[data-time]")) one.textContent = words;
  for (const one of document.querySelectorAll("[data-slider]")) one.value = frame;
  updates.forEach(update => update());
}

function drawLaws() {
  const place = document.getElementById("laws-panels");
  if (!place) return;
  const filter = document.getElementById("filter");
  const draw = () => {
    const wanted = filter ? filter.value.trim().toLowerCase() : "";
    const chosen = DATA.laws.filter(law => law.name.toLowerCase().includes(wanted));
    const shown = chosen.slice(0, DATA.most_panels);
    updates.splice(0, updates.length, ...fixed);
    place.replaceChildren();
    shown.forEach(law => lawPanel(place, law));
    if (filter) {
      document.getElementById("shown").textContent =
        `${shown.length} of ${DATA.laws.length} shown`;
    }
    show(state.frame);
  };
  const fixed = [...updates];
  if (filter) filter.addEventListener("input", draw);
  draw();
}

function drawLattice() {
  const place = document.getElementById("lattice-panels");
  if (!place) return;
  const filter = document.getElementById("filter");
  const pick = site => {
    if (!filter) return;
    filter.value = DATA.lattice.names[site];
    filter.dispatchEvent(new Event("input"));
  };
  DATA.lattice.kinds.forEach(kind => latticePanel(place, kind, pick));
}

function drawJoints() {
  for (const [k, joint] of DATA.joints.entries()) {
    const place = document.getElementById(`joint-${k}`);
    jointPanel(place, joint, "law");
    if (joint.witness) jointPanel(place, joint, "witness");
  }
}

function drawAnswers() {
  for (const [k, answer] of DATA.answers.entries()) {
    const place = document.getElementById(`answer-${k}`);
    if (answer.form === "line") overTime(place, answer);
    if (answer.form === "law") answerLaw(place, answer);
  }
}

let timer = null;
function play(button) {
  if (timer) { clearInterval(timer); timer = null; button.textContent = "▶"; return; }
  button.textContent = "❚❚";
  if (state.frame === DATA.times.length - 1) show(0);
  timer = setInterval(() => {
    show(state.frame + 1);
    if (state.frame === DATA.times.length - 1) play(button);
  }, 220);
}

document.querySelectorAll("[data-health]").forEach(healthPanel);
drawAnswers();
if (DATA.distances) distancePanel(document.getElementById("distances"));
if (DATA.times.length) {
  drawLattice();
  drawJoints();
  drawLaws();
  const slider = document.querySelector("[data-slider]");
  slider.addEventListener("input", () => show(Number(slider.value)));
  document.querySelector("[data-play]").addEventListener("click",
    event => play(event.currentTarget));
  document.querySelector("[data-log]").addEventListener("change",
    event => { state.log = event.currentTarget.checked; show(state.frame); });
  show(state.frame);
}
document.documentElement.dataset.drawn = "yes";
