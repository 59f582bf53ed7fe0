// Safety and quality: what the scorers of single calls flag, over time, and the worst examples.

import { get } from "./api.js";
import { chartCard } from "./charts.js";
import { el, empty, heading } from "./dom.js";
import { share, timeElement, whole } from "./format.js";
import { marked, meaning, placesOf } from "./marks.js";
import { badge } from "./status.js";

const TONES = ["err", "s1", "s3", "s0", "s2"];
const MOST_LINES = TONES.length;
const MOST_EXAMPLES = 6;
const FEWEST = 5;
const MOST_STEPS = 48;
const STEPS_S = [300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800];

/** The summary of a range and examples of what is flagged most. */
export async function readSafety(filters, signal) {
  const rangeS = (Date.parse(filters.to) - Date.parse(filters.from)) / 1000;
  const step = STEPS_S.find((one) => rangeS / one <= MOST_STEPS) ?? null;
  const summary = await get("scores/summary", { ...filters, step }, signal);
  const flagged = summary.series.filter((one) => one.flagged).slice(0, MOST_EXAMPLES);
  const each = flagged.length > MOST_EXAMPLES / 2 ? 1 : 2;
  const lists = await Promise.all(flagged.map((one) => get("scores", { ...filters, analyzer: one.analyzer, field: one.field, is_flagged: true, limit: each }, signal)));
  return { summary, examples: lists.flatMap((list) => list.items) };
}

/** The section: shares with intervals, their course, examples. */
export function drawSafety({ summary, examples }) {
  const title = heading("Safety & quality", "calls flagged by the scorers of single calls; a flag is suspicion, no proof");
  const series = summary.series.filter((one) => one.field !== "call");
  if (!series.length) return [title, empty("No call of this range is scored. Calls are scored half a minute after their trace has settled.")];
  const failed = summary.series.filter((one) => one.failed);
  return [
    title,
    failed.map((one) => el("p", { class: "error" }, `${one.analyzer} failed on ${whole(one.failed)} calls: nothing is known of them.`)),
    el("div", { class: "columns" }, el("div", {}, el("div", { class: "scroll" }, sharesTable(series)), exampleList(examples)), courses(summary, series)),
  ];
}

function sharesTable(series) {
  const most = Math.max(...series.map((one) => one.share ?? 0), 0.01);
  const head = ["Scorer", "Field", "Flagged", "Share", "95 %", "Unknown"].map((name, index) => el("th", { scope: "col", class: index > 1 ? "number" : null }, name));
  return el(
    "table",
    { class: "shares" },
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, series.map((one) => shareRow(one, most))),
  );
}

function shareRow(one, most) {
  const bar = el("i", { class: "share-bar" });
  bar.style.width = `${((one.share ?? 0) / most) * 100}%`;
  const range = one.share === null ? "–" : `${share(one.share_low)} – ${share(one.share_high)}`;
  return el(
    "tr",
    { title: meaning(one.analyzer) },
    el("td", {}, el("a", { href: reviewHref(one), title: `Review: ${meaning(one.analyzer)}` }, one.analyzer.replaceAll("_", " "))),
    el("td", {}, one.field.replaceAll("_", " ")),
    el("td", { class: one.flagged ? "number worse" : "number" }, `${whole(one.flagged)} of ${whole(one.scored)}`),
    el("td", { class: "number" }, el("span", { class: "share-track" }, bar), share(one.share)),
    el("td", { class: "number muted" }, range),
    el("td", { class: "number muted" }, one.unknown ? whole(one.unknown) : "–"),
  );
}

/** The queue of a scorer's field, in the range and slice that the page shows. */
function reviewHref(one) {
  const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
  query.set("analyzer", one.analyzer);
  query.set("field", one.field);
  return `#/review?${query}`;
}

/** Flagged shares of the scorers that flag most, step by step; a step with few scores is a gap. */
function courses(summary, series) {
  const shown = series.filter((one) => one.flagged).slice(0, MOST_LINES);
  if (!shown.length) return empty(el("b", {}, "Nothing is flagged"), " in this range.");
  return chartCard({
    id: "chart-safety",
    title: "Flagged share",
    total: `of the scored calls; gaps where fewer than ${FEWEST} were`,
    times: summary.times.map((time) => new Date(time)),
    stepMs: summary.step_s * 1000,
    kind: "lines",
    format: share,
    series: shown.map((one, index) => ({
      name: `${one.analyzer.replaceAll("_", " ")}, ${one.field.replaceAll("_", " ")}`,
      tone: TONES[index],
      values: one.flagged_by_step.map((flagged, step) => (one.scored_by_step[step] >= FEWEST ? flagged / one.scored_by_step[step] : null)),
    })),
  });
}

function exampleList(examples) {
  if (!examples.length) return null;
  return el("ul", { class: "outliers examples" }, examples.map(example));
}

function example(one) {
  return el(
    "li",
    { class: "outlier" },
    el(
      "div",
      { class: "line" },
      badge(one.analyzer.replaceAll("_", " "), "bad"),
      el("a", { class: "name", href: `#/trace/${one.trace_id}?span=${one.span_id}` }, `${one.service || "(unnamed)"} · ${one.model || "(no model)"} · ${one.field.replaceAll("_", " ")}`),
      el("span", { class: "when" }, timeElement(one.start_time)),
    ),
    el("blockquote", {}, one.text_preview ? marked(one.text_preview, placesOf([one], one.field)) : told(one)),
  );
}

/** What is known of a text that is not shown here. */
function told(one) {
  const kinds = Object.entries(one.evidence.kinds ?? {}).map(([kind, count]) => `${count} × ${kind.replaceAll("_", " ")}`);
  return [...kinds, "open the trace to read it"].join(", ");
}
