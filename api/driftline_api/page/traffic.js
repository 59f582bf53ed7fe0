// Totals, charts and groups of the traffic.

import { chartCard } from "./charts.js";
import { el, empty, heading } from "./dom.js";
import { compact, duration, share, usd, whole } from "./format.js";

const TONES = ["s0", "s1", "s2", "s3", "s4", "s5", "s6"];

/** Five numbers, each with its change to the range before. */
export function drawTiles({ total, previous }) {
  const tokens = (one) => one.input_tokens + one.output_tokens;
  const errorShare = (one) => (one.calls ? one.errors / one.calls : null);
  return [
    tile("calls", "LLM calls", compact(total.calls), change(total.calls, previous.calls), whole(total.calls)),
    tile(
      "errors",
      "Error share",
      share(errorShare(total)),
      pointChange(errorShare(total), errorShare(previous)),
      `${whole(total.errors)} of ${whole(total.calls)} calls failed`,
    ),
    tile(
      "tokens",
      "Tokens",
      compact(tokens(total)),
      change(tokens(total), tokens(previous)),
      `${whole(total.input_tokens)} in, ${whole(total.output_tokens)} out`,
      missing(total.calls_without_tokens, "reported none"),
    ),
    tile(
      "cost",
      "Cost",
      usd(total.cost_usd),
      change(total.cost_usd, previous.cost_usd, true),
      "At the price valid at the time of each call",
      missing(total.calls_without_price, "without a known price"),
    ),
    tile(
      "latency",
      "Latency p95",
      duration(total.p95_ms),
      change(total.p95_ms, previous.p95_ms, true),
      `median ${duration(total.p50_ms)}, p99 ${duration(total.p99_ms)}`,
      total.p50_ms === null ? null : `median ${duration(total.p50_ms)}`,
    ),
  ];
}

function tile(id, name, value, delta, title, remark = null) {
  return el(
    "div",
    { class: "tile card", id: `tile-${id}`, title },
    el("h2", {}, name),
    el("div", { class: "value" }, value),
    el("div", { class: "delta" }, delta, remark ? el("span", { class: "remark" }, remark) : null),
  );
}

function missing(count, what) {
  return count ? `${compact(count)} ${what}` : null;
}

/** Change in percent. isBadUp: growth is worth a warning colour. */
function change(now, before, isBadUp = false) {
  if (now === null || !before) return el("span", { class: "muted" }, "no data before");
  const ratio = now / before - 1;
  if (Math.abs(ratio) < 0.005) return el("span", { class: "muted" }, "unchanged");
  const text = ratio >= 9.995 ? `× ${compact(now / before)}` : `${ratio > 0 ? "+" : "−"}${Math.abs(ratio * 100).toFixed(Math.abs(ratio) < 0.1 ? 1 : 0)} %`;
  const tone = isBadUp && ratio > 0.2 ? "worse" : isBadUp && ratio < -0.1 ? "better" : "plain";
  return el("span", { class: tone, title: "Compared with the range of the same length before" }, `${ratio > 0 ? "▲" : "▼"} ${text}`);
}

function pointChange(now, before) {
  if (now === null || before === null) return el("span", { class: "muted" }, "no data before");
  const points = (now - before) * 100;
  if (Math.abs(points) < 0.05) return el("span", { class: "muted" }, "unchanged");
  const tone = points > 0.5 ? "worse" : points < -0.1 ? "better" : "plain";
  return el("span", { class: tone }, `${points > 0 ? "▲ +" : "▼ −"}${Math.abs(points).toFixed(1)} points`);
}

/** Traffic, latency, cost by model, tokens by model. */
export function chartsOf({ series, models, step_s, total }) {
  if (!total.calls) return el("div", { class: "card wide" }, empty("No calls in this range; choose a longer one, or another service."));
  const times = series.map((point) => new Date(point.time));
  const common = { times, stepMs: step_s * 1000 };
  const every = `every ${stepName(step_s)}`;
  const byModel = (field) =>
    models.map((one, index) => ({ name: one.is_other ? "other models" : one.model || "(no model)", tone: TONES[index % TONES.length], values: one[field] }));
  return [
    chartCard({
      ...common,
      id: "chart-traffic",
      title: "Traffic",
      total: `calls ${every}`,
      kind: "bars",
      format: compact,
      series: [
        { name: "succeeded", tone: "s0", values: series.map((point) => point.calls - point.errors) },
        { name: "failed", tone: "err", values: series.map((point) => point.errors) },
      ],
    }),
    chartCard({
      ...common,
      id: "chart-latency",
      title: "Latency",
      total: `duration of calls, ${every}`,
      kind: "lines",
      format: duration,
      series: [
        { name: "p95", tone: "s1", values: series.map((point) => point.p95_ms) },
        { name: "median", tone: "s0", values: series.map((point) => point.p50_ms) },
      ],
    }),
    chartCard({ ...common, id: "chart-cost", title: "Cost by model", total: `USD ${every}; ${usd(total.cost_usd)} in all`, kind: "bars", format: usd, series: byModel("cost_usd") }),
    chartCard({ ...common, id: "chart-tokens", title: "Tokens by model", total: `input and output ${every}`, kind: "bars", format: compact, series: byModel("tokens") }),
  ];
}

function stepName(seconds) {
  if (seconds % 86_400 === 0) return seconds === 86_400 ? "day" : `${seconds / 86_400} days`;
  if (seconds % 3600 === 0) return seconds === 3600 ? "hour" : `${seconds / 3600} h`;
  return seconds === 60 ? "minute" : `${seconds / 60} min`;
}

/** Models and prompt versions of the range, in numbers. */
export function drawGroups({ by_model, by_prompt_version, by_service }) {
  const title = heading("Where it goes", "calls, errors, cost and latency of the range");
  if (!by_model.length) return [title, empty("No calls in this range.")];
  const rows = (name, groups, label) => [
    el("tr", { class: "group" }, el("th", { colspan: 5, scope: "colgroup" }, name)),
    ...groups.slice(0, 8).map((one) =>
      el(
        "tr",
        {},
        el("td", {}, label(one)),
        el("td", { class: "number" }, compact(one.calls)),
        el("td", { class: one.errors ? "number worse" : "number" }, share(one.calls ? one.errors / one.calls : null)),
        el("td", { class: "number" }, one.calls_without_price === one.calls ? "–" : usd(one.cost_usd)),
        el("td", { class: "number" }, duration(one.p95_ms)),
      ),
    ),
  ];
  const head = ["", "Calls", "Errors", "Cost", "p95"].map((name, index) => el("th", { scope: "col", class: index ? "number" : null }, name));
  return [
    title,
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, head)),
        el(
          "tbody",
          {},
          rows("Model", by_model, (one) => one.model || "(no model)"),
          rows("Service", by_service, (one) => one.service || "(unnamed)"),
          rows("Prompt version", by_prompt_version, (one) => one.prompt_version || "(not reported)"),
        ),
      ),
    ),
  ];
}
