// Groups that answers are about, or given to, compared with each other: gaps with their interval, and what was compared without one.

import { get } from "./api.js";
import { el, empty, heading } from "./dom.js";
import { traceLink } from "./findings.js";
import { whole, windowElement } from "./format.js";
import { badge } from "./status.js";

const LOOK_BACK_MS = 35 * 86_400_000;
const MOST = 8;

/** The newest comparisons of a service ('' for all) up to a Date; windows are weeks. Throws ApiError. */
export async function readBias(service, to, signal) {
  const bounds = { from: new Date(to - LOOK_BACK_MS).toISOString(), to: new Date(to.getTime() + 86_400_000).toISOString(), analyzer: "bias", service };
  const [gaps, all] = await Promise.all([
    get("findings", { ...bounds, status: "gap", include: "explanation", limit: MOST }, signal),
    get("findings", { ...bounds, limit: 500 }, signal),
  ]);
  return { gaps: gaps.items, compared: all.items.filter((one) => one.p_value !== null).length, scarce: all.items.filter((one) => one.status === "insufficient").length };
}

/** The card. */
export function drawBias({ gaps, compared, scarce }) {
  const title = heading("Groups", "are answers about, or to, one group unlike those of others, in like prompts?");
  const few = scarce ? `${whole(scarce)} had too few sessions to say anything.` : "";
  if (!gaps.length) return [title, empty(compared ? `${whole(compared)} comparisons of the last weeks, no gap beyond chance and of any size. ${few}` : `No two groups were compared yet: it takes a week that is over, and enough sessions of each. ${few}`)];
  return [title, el("ul", { class: "outliers" }, gaps.map(item)), el("p", { class: "muted" }, `${whole(compared)} comparisons of the last weeks, corrected together. ${few}`)];
}

function item(one) {
  const told = one.explanation ?? {};
  return el(
    "li",
    { class: "outlier" },
    el(
      "div",
      { class: "line" },
      badge("gap", "bad"),
      el("span", { class: "name" }, [one.service, one.model, one.segment, one.field].filter(Boolean).join(" · ")),
      el("span", { class: "when" }, windowElement(one.window_start, one.window_end)),
    ),
    el("p", {}, told.sentence ?? ""),
    el("div", { class: "pair" }, quotes(`About ${one.segment}`, told.examples), quotes(`About ${one.reference === "rest" ? "the others" : one.reference}`, told.reference_examples)),
  );
}

function quotes(title, examples) {
  return el("div", {}, el("h3", {}, title), (examples ?? []).slice(0, 2).map((one) => el("figure", { class: "quote" }, el("blockquote", {}, one.text ?? ""), one.trace_id ? el("figcaption", {}, traceLink(one.trace_id, one.span_id)) : null)));
}
