// The review queue of one scorer: what to look at next, and a verdict with two buttons or the keys y and n.

import { ApiError, get, put } from "./api.js";
import { el, empty, heading } from "./dom.js";
import { share, timeElement, whole } from "./format.js";
import { marked, meaning, placesOf } from "./marks.js";
import { badge } from "./status.js";

const MOST = 20;
const ORDERS = { mixed: "Mixed", uncertain: "Unsure first", flagged: "Flagged", random: "Random" };
const WHY = { uncertain: "near the threshold", flagged: "flagged", random: "picked at random" };
const NAME_KEY = "driftline.annotator";

/** The queue and how far the scorer agrees with labels so far. query: analyzer, field, order, service, model of the address. */
export async function readReview(query, range, signal) {
  const asked = { analyzer: query.get("analyzer"), field: query.get("field"), service: query.get("service"), model: query.get("model"), ...range };
  const [queue, agreement] = await Promise.all([
    get("review", { ...asked, order: query.get("order") ?? "mixed", limit: MOST }, signal),
    get("agreement", asked, signal),
  ]);
  return { items: queue.items, agreement: agreement.items };
}

/** The view. go: called with changes of the address. */
export function drawReview(query, { items, agreement }, go) {
  const analyzer = query.get("analyzer");
  const order = query.get("order") ?? "mixed";
  const annotator = el("input", { id: "annotator", name: "annotator", maxlength: "200", placeholder: "your name", value: remembered(), onchange: (event) => remember(event.target.value) });
  const orders = Object.entries(ORDERS).map(([name, words]) => el("button", { type: "button", "aria-pressed": String(name === order), onclick: () => go({ order: name }) }, words));
  return [
    el("a", { href: "#/", class: "back" }, "← Overview"),
    el(
      "div",
      { class: "card" },
      heading(`Review: ${analyzer.replaceAll("_", " ")}`, meaning(analyzer) ? `Yes means: ${meaning(analyzer)}` : null, el("div", { class: "segmented", role: "group", "aria-label": "Order" }, orders)),
      el("label", { class: "annotator" }, "Reviewer ", annotator),
      agreement.map(agreementLine),
    ),
    items.length ? items.map((one) => reviewCard(one, annotator)) : empty("Nothing to review: no call of this range has such a score."),
  ];
}

function agreementLine(one) {
  const rate = ({ value, low, high }) => (value === null ? "not known yet" : `${share(value)} (${share(low)} – ${share(high)})`);
  return el("p", { class: "muted", title: one.precision.reason || one.recall.reason }, `${one.field.replaceAll("_", " ")}: ${whole(one.n_labelled)} of ${whole(one.n_scored)} labelled; precision ${rate(one.precision)}; recall ${rate(one.recall)}.`);
}

function reviewCard(one, annotator) {
  const told = el("span", { class: "told", role: "status" });
  const buttons = [
    [true, "Yes"],
    [false, "No"],
  ].map(([isPositive, words]) => el("button", { type: "button", onclick: () => send(isPositive) }, words));
  const card = el(
    "article",
    { class: "card review-item", tabindex: "0", "data-span": one.span_id },
    el(
      "div",
      { class: "line" },
      one.is_flagged ? badge("flagged", "bad") : null,
      one.is_labelled ? badge("labelled", "info") : null,
      el("a", { class: "name", href: `#/trace/${one.trace_id}?span=${one.span_id}` }, `${one.service || "(unnamed)"} · ${one.model || "(no model)"} · ${one.field.replaceAll("_", " ")}`),
      el("span", { class: "when" }, timeElement(one.start_time)),
    ),
    one.field !== "prompt" && one.prompt_preview ? el("blockquote", { class: "asked" }, one.prompt_preview) : null,
    el("blockquote", {}, one.text_preview ? marked(one.text_preview, placesOf([{ ...one, is_flagged: true }], one.field)) : "Open the trace to read it."),
    el("div", { class: "line" }, buttons, el("span", { class: "muted" }, `score ${one.value.toPrecision(3)}, flagged ${one.flagged_end === "low" ? "up to" : "from"} ${one.threshold.toPrecision(3)}; ${WHY[one.picked_by]}`), told),
  );
  card.addEventListener("keydown", (event) => {
    if (event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "y" || event.key === "n") send(event.key === "y");
  });
  return card;

  async function send(isPositive) {
    for (const button of buttons) button.disabled = true;
    told.textContent = "…";
    try {
      await put("labels", { trace_id: one.trace_id, span_id: one.span_id, analyzer: one.analyzer, field: one.field, is_positive: isPositive, annotator: annotator.value, picked_by: one.picked_by, source: "page" });
      buttons.forEach((button, index) => button.setAttribute("aria-pressed", String((index === 0) === isPositive)));
      told.textContent = `labelled ${isPositive ? "yes" : "no"}`;
      card.nextElementSibling?.focus();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      told.textContent = error.message;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}

function remembered() {
  try {
    return localStorage.getItem(NAME_KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // a browser that keeps nothing asks again
  }
}
