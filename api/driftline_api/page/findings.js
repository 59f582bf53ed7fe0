// Findings with their examples, and outliers.

import { el, empty, heading } from "./dom.js";
import { explanationParts } from "./explanation.js";
import { clock, pValue, share, timeElement, utc, whole, windowElement } from "./format.js";
import { badge } from "./status.js";

const TONES = { drift: "bad", gap: "bad", ok: "ok", insufficient: "dim", error: "warn" };
const WORDS = { drift: "drift", gap: "gap", ok: "no drift", insufficient: "too few samples", error: "error" };
const MOST_SEGMENTS = 8;
const MOST_WINDOWS = 28;
const open = new Set();
let wanted = null;

/** Windows by segment as strips, then the latest findings with their examples. */
export function drawFindings({ drifts, findings, strip, hasTraffic, otlpPort, nSpans }) {
  const list = el("div", { class: "finding-list" });
  const drawList = () => {
    const choice = wanted ?? (drifts.items.length ? "drift" : "all");
    const items = (choice === "drift" ? drifts : findings).items;
    if (!wanted && items.length && items[0].status === "drift" && !open.size) open.add(items[0].finding_id);
    list.replaceChildren(...(items.length ? items.map(findingItem) : [emptyFindings(choice, hasTraffic, otlpPort, nSpans)]));
    for (const button of toggle.children) button.setAttribute("aria-pressed", String(button.value === choice));
  };
  const choose = (event) => {
    wanted = event.target.value;
    drawList();
  };
  const toggle = el(
    "div",
    { class: "segmented small", role: "group", "aria-label": "Which findings" },
    el("button", { type: "button", value: "drift", onclick: choose }, "Drift"),
    el("button", { type: "button", value: "all", onclick: choose }, "All"),
  );
  drawList();
  return [heading("Drift", "has the meaning of prompts or completions changed against the reference?", toggle), segments(strip.items), list];
}

function emptyFindings(choice, hasTraffic, otlpPort, nSpans) {
  if (!hasTraffic) return noTraffic(otlpPort, nSpans);
  if (choice === "drift") return empty(el("b", {}, "No drift in this range."), " “All” lists every window that was tested.");
  return empty(
    el("b", {}, "No window was tested yet."),
    " Windows are tested once they are complete and the reference holds enough samples; freeze a reference set with POST /api/v1/references.",
  );
}

function noTraffic(otlpPort, nSpans) {
  if (nSpans) {
    return empty(
      el("b", {}, "Spans arrive, but no LLM call among them yet."),
      " Calls appear here a few seconds after they are stored; if none does, switch on a GenAI instrumentation in the app, for example with ",
      el("code", { class: "inline" }, "driftline.instrument()"),
      ".",
    );
  }
  return empty(
    el("b", {}, "No traffic yet."),
    " Point your app here:",
    el("code", {}, `OTEL_EXPORTER_OTLP_ENDPOINT=http://${location.hostname || "127.0.0.1"}:${otlpPort}`),
    "or call ",
    el("code", { class: "inline" }, "driftline.instrument()"),
    " in it, or try ",
    el("code", { class: "inline" }, "driftline demo"),
    ".",
  );
}

function segmentName(one) {
  const segment = one.segment_by && one.segment_by !== "model" ? `${one.segment_by} ${one.segment}` : one.model || "(no model)";
  const analyzer = !one.segment_by || one.analyzer === "semantic_drift" ? [] : [one.analyzer.replaceAll("_", " ")];
  return [one.service || "(unnamed)", segment, one.field, ...analyzer].join(" · ");
}

function segments(items) {
  const bySegment = new Map();
  for (const one of items) {
    const name = segmentName(one);
    if (!bySegment.has(name)) bySegment.set(name, []);
    bySegment.get(name).push(one);
  }
  const nDrift = (windows) => windows.filter((one) => one.status === "drift").length;
  const sorted = [...bySegment.entries()].sort((a, b) => nDrift(b[1]) - nDrift(a[1]) || a[0].localeCompare(b[0]));
  if (!sorted.length) return null;
  const nCells = Math.min(Math.max(...sorted.map(([, windows]) => windows.length), 12), MOST_WINDOWS);
  const rows = sorted.slice(0, MOST_SEGMENTS).map(([name, windows]) => {
    const shown = windows.slice(0, nCells).reverse();
    const padding = Array.from({ length: nCells - shown.length }, () => el("i", { class: "cell" }));
    const cells = shown.map((one) =>
      el("i", { class: `cell ${TONES[one.status] ?? "dim"}`, title: `${clock(new Date(one.window_start))} – ${clock(new Date(one.window_end))}: ${WORDS[one.status] ?? one.status}, p ${pValue(one.p_value)}, z ${zText(one.effect_size)} (${utc(one.window_start)})` }),
    );
    const told = verdict(shown);
    return el("li", {}, el("span", { class: "name", title: name }, name), el("span", { class: "cells", role: "img", "aria-label": told }, padding, cells), el("span", { class: "told" }, told));
  });
  const more = sorted.length > MOST_SEGMENTS ? el("li", { class: "muted" }, `${sorted.length - MOST_SEGMENTS} more segments`) : null;
  return el("ul", { class: "segments" }, rows, more);
}

function verdict(windows) {
  const count = (status) => windows.filter((one) => one.status === status).length;
  const plural = `${windows.length} window${windows.length === 1 ? "" : "s"}`;
  if (count("drift")) return `${count("drift")} of ${plural} drifted`;
  return count("ok") ? `none of ${plural} drifted` : "too few samples so far";
}

function zText(value) {
  return value === null ? "–" : value.toFixed(1);
}

function findingItem(one) {
  const details = el(
    "details",
    { class: "finding", "data-finding": one.finding_id, open: open.has(one.finding_id) },
    el(
      "summary",
      {},
      badge(WORDS[one.status] ?? one.status, TONES[one.status] ?? "dim"),
      one.is_confirmed ? badge("confirmed", "bad") : null,
      one.is_small ? badge("small", "dim") : null,
      el("span", { class: "name" }, segmentName(one)),
      one.moved_share === null ? null : el("span", { class: "fact", title: `Share of the texts that would have to change to undo it, ${share(one.moved_share_low)} to ${share(one.moved_share_high)}` }, el("small", {}, "moved"), share(one.moved_share)),
      el("span", { class: "fact" }, el("small", {}, "p"), pValue(one.p_value_corrected ?? one.p_value)),
      el("span", { class: "fact", title: "Effect size: the statistic in units of its null spread" }, el("small", {}, "z"), zText(one.effect_size)),
      el("span", { class: "when" }, windowElement(one.window_start, one.window_end)),
    ),
    el("div", { class: "inside" }, told(one), sentence(one), examples(one), explanationParts(one, quote), facts(one)),
  );
  details.addEventListener("toggle", () => (details.open ? open.add(one.finding_id) : open.delete(one.finding_id)));
  return details;
}

function told(one) {
  return one.explanation?.sentence ? el("p", {}, el("b", {}, one.explanation.sentence)) : null;
}

function sentence(one) {
  const what = one.field === "prompt" ? "Prompts" : one.field === "completion" ? "Completions" : one.field;
  const size = `${whole(one.n_current)} texts against ${whole(one.n_reference)} of ${one.reference || "the reference"}`;
  if (one.status === "insufficient") return el("p", {}, `${size}: too few to say anything, either way.`);
  if (one.status === "drift") {
    return el("p", {}, `${what} of ${one.service} changed: ${size}. Chance alone gives a difference this large with p = ${pValue(one.p_value)}${one.p_value_corrected === null ? "" : ` (${pValue(one.p_value_corrected)} corrected for all segments tested)`}; the test is set to raise a false alarm in ${share(one.alpha)} of windows.`);
  }
  return el("p", {}, `${what} of ${one.service} are as before: ${size}, p = ${pValue(one.p_value)}.`);
}

function examples(one) {
  const fresh = one.explanation?.examples ?? [];
  const typical = one.explanation?.reference_examples ?? [];
  if (!fresh.length && !typical.length) return null;
  return el(
    "div",
    { class: "pair" },
    el("div", {}, el("h3", {}, "New in this window"), fresh.slice(0, 4).map((example) => quote(example, "new"))),
    el("div", {}, el("h3", {}, "Typical of the reference"), typical.slice(0, 4).map((example) => quote(example, "old"))),
  );
}

function quote(example, tone) {
  const { text = "", trace_id = null, span_id = null, novelty = null } = typeof example === "string" ? { text: example } : (example ?? {});
  return el(
    "figure",
    { class: `quote ${tone}` },
    el("blockquote", {}, text),
    trace_id
      ? el("figcaption", {}, typeof novelty === "number" ? el("span", { title: "How far from the reference" }, `novelty ${novelty.toFixed(2)}`) : null, traceLink(trace_id, span_id))
      : null,
  );
}

/** A link to a call in its trace. */
export function traceLink(traceId, spanId) {
  return el("a", { href: `#/trace/${encodeURIComponent(traceId)}${spanId ? `?span=${encodeURIComponent(spanId)}` : ""}` }, "open trace");
}

function facts(one) {
  const pairs = [
    ["Window", windowElement(one.window_start, one.window_end)],
    ["Reference", (one.reference || "–") + (one.reference_version ? ` @${one.reference_version}` : "")],
    ["Prompt version", one.prompt_version || "–"],
    ["Statistic", one.statistic === null ? "–" : one.statistic.toPrecision(3)],
    ["Independent blocks", whole(one.n_effective)],
    ["Analyzer", `${one.analyzer} ${one.analyzer_version}`],
  ];
  return el("dl", { class: "facts inline" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** The generations least like the reference. */
export function drawOutliers({ items }) {
  const title = heading("Outliers", "single answers least like the reference, lowest p-value first");
  if (!items.length) return [title, empty("No generation was scored in this range yet.")];
  const rows = items.map((one) =>
    el(
      "li",
      { class: "outlier" },
      el(
        "div",
        { class: "line" },
        badge(`p ${pValue(one.p_value)}`, one.is_flagged ? "bad" : "dim"),
        el("span", { class: "name" }, segmentName(one)),
        el("span", { class: "when" }, timeElement(one.start_time), " ", traceLink(one.trace_id, one.span_id)),
      ),
      el("blockquote", {}, one.text_preview || "(its text is no longer stored)"),
    ),
  );
  return [title, el("ul", { class: "outliers" }, rows)];
}
