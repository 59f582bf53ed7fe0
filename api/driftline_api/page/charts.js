// Small SVG charts by hand: stacked bars or lines, axes, a value on hover.

import { el, svg } from "./dom.js";
import { clock, tickLabel, utc } from "./format.js";

const HEIGHT = 190;
const EDGE = { top: 10, right: 10, bottom: 24, left: 52 };
const N_TICKS = 4;
const TIME_STEPS_MS = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 20_160, 43_200].map((m) => m * 60_000);

/**
 * A chart card. times: Date of each step's start; stepMs; series: [{ name, tone, values (null is a gap) }];
 * kind: "bars" (stacked) or "lines"; format: value to text.
 */
export function chartCard({ id, title, total, times, stepMs, series, kind, format }) {
  const drawn = el("div", { class: "plot" });
  const card = el(
    "div",
    { class: "card chart", id },
    el("div", { class: "heading" }, el("h2", {}, title), el("p", {}, total)),
    drawn,
    el(
      "ul",
      { class: "legend" },
      series.map((one) => el("li", {}, el("i", { class: `swatch ${one.tone}` }), one.name)),
    ),
  );
  let width = 0;
  const fit = (now) => {
    if (now === width || now === 0) return;
    width = now;
    drawn.replaceChildren(...plot({ title, width, times, stepMs, series, kind, format }));
  };
  new ResizeObserver(([entry]) => fit(Math.floor(entry.contentRect.width))).observe(drawn);
  queueMicrotask(() => fit(Math.floor(drawn.clientWidth))); // once it is in the document: the first frame has the curve
  return card;
}

function plot({ title, width, times, stepMs, series, kind, format }) {
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const from = times[0].getTime();
  const spanMs = times.length * stepMs;
  const top = niceTop(highest(series, kind, times.length));
  const x = (ms) => EDGE.left + ((ms - from) / spanMs) * inner.width;
  const y = (value) => EDGE.top + inner.height * (1 - value / top.value);
  const root = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": title });
  for (let value = 0; value <= top.value * 1.0001; value += top.step) {
    root.append(
      svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: EDGE.left - 7, y: y(value) + 4, "text-anchor": "end" }, format(value)),
    );
  }
  for (const tick of timeTicks(from, spanMs, inner.width)) {
    root.append(svg("text", { class: "tick", x: x(tick), y: HEIGHT - 6, "text-anchor": "middle" }, tickLabel(new Date(tick), spanMs)));
  }
  if (kind === "bars") bars(root, { times, stepMs, series, x, y });
  else lines(root, { times, stepMs, series, x, y });
  const cursor = svg("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom, visibility: "hidden" });
  root.append(cursor);
  const tip = el("div", { class: "tip", hidden: true });
  root.addEventListener("pointermove", (event) => {
    const place = event.clientX - root.getBoundingClientRect().left;
    const index = Math.floor(((place - EDGE.left) / inner.width) * times.length);
    if (index < 0 || index >= times.length) return hide();
    const middle = x(times[index].getTime() + stepMs / 2);
    cursor.setAttribute("x1", middle);
    cursor.setAttribute("x2", middle);
    cursor.setAttribute("visibility", "visible");
    tip.hidden = false;
    tip.replaceChildren(...tipLines(times[index], series, index, format));
    tip.classList.toggle("to-left", middle > width / 2);
    tip.style.left = `${middle}px`;
  });
  const hide = () => {
    tip.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  };
  root.addEventListener("pointerleave", hide);
  return [root, tip];
}

function tipLines(time, series, index, format) {
  const lines = series
    .filter((one) => one.values[index] !== null)
    .map((one) => el("div", {}, el("i", { class: `swatch ${one.tone}` }), el("span", {}, one.name), el("b", {}, format(one.values[index]))));
  return [el("time", { title: utc(time.toISOString()) }, clock(time)), ...lines];
}

function bars(root, { times, stepMs, series, x, y }) {
  const slot = x(times[0].getTime() + stepMs) - x(times[0].getTime());
  const gap = slot > 4 ? 1 : 0;
  times.forEach((time, index) => {
    let below = 0;
    for (const one of series) {
      const value = one.values[index] ?? 0;
      if (value <= 0) continue;
      const [low, high] = [y(below), y(below + value)];
      below += value;
      root.append(
        svg("rect", { class: `bar-${one.tone}`, x: x(time.getTime()) + gap / 2, width: Math.max(slot - gap, 0.5), y: high, height: Math.max(low - high, 0.5) }),
      );
    }
  });
}

function lines(root, { times, stepMs, series, x, y }) {
  for (const one of series) {
    let path = "";
    let isOpen = false;
    one.values.forEach((value, index) => {
      if (value === null) {
        isOpen = false;
        return;
      }
      const place = `${x(times[index].getTime() + stepMs / 2).toFixed(1)} ${y(value).toFixed(1)}`;
      path += `${isOpen ? "L" : "M"}${place}`;
      const isAlone = !isOpen && (one.values[index + 1] ?? null) === null;
      isOpen = true;
      if (isAlone) root.append(svg("circle", { class: `dot-${one.tone}`, cx: place.split(" ")[0], cy: place.split(" ")[1], r: 2.5 }));
    });
    root.append(svg("path", { class: `curve line-${one.tone}`, d: path }));
  }
}

function highest(series, kind, count) {
  let most = 0;
  for (let index = 0; index < count; index += 1) {
    const values = series.map((one) => one.values[index] ?? 0);
    most = Math.max(most, kind === "bars" ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values, 0));
  }
  return most;
}

/** The axis' end and the distance of its ticks: 1, 2, 2.5 or 5 times a power of ten. */
export function niceTop(most) {
  if (most <= 0) return { value: 1, step: 1 };
  const rough = most / N_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  return { value: Math.ceil((most / step) * 0.999) * step, step };
}

/** Round local times inside the range, at most one per 80 pixels. */
function timeTicks(from, spanMs, width) {
  const step = TIME_STEPS_MS.find((candidate) => spanMs / candidate <= width / 80) ?? Math.ceil(spanMs / 5);
  const offsetMs = new Date(from).getTimezoneOffset() * 60_000;
  const ticks = [];
  for (let tick = Math.ceil((from - offsetMs) / step) * step + offsetMs; tick < from + spanMs; tick += step) ticks.push(tick);
  return ticks.filter((tick) => tick > from + spanMs * 0.02 && tick < from + spanMs * 0.97);
}
