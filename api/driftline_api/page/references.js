// Reference sets: what windows are compared with, and how often each one's own windows alarm.

import { get } from "./api.js";
import { el, empty, heading } from "./dom.js";
import { share, timeElement, whole } from "./format.js";
import { badge } from "./status.js";

const MOST = 8;
const KINDS = { range: "time range", golden: "golden set", version: "pinned version", previous_release: "previous release" };

/** The newest reference sets of a service ('' for all), each with its versions and checks. Throws ApiError. */
export async function readReferences(service, signal) {
  const { items } = await get("references", {}, signal);
  const wanted = items.filter((one) => !service || one.service === service);
  const details = await Promise.all(wanted.slice(0, MOST).map((one) => get(`references/${encodeURIComponent(one.name)}`, {}, signal)));
  return { details, n: wanted.length };
}

/** The card. */
export function drawReferences({ details, n }) {
  const title = heading("References", "named sets that windows are compared with; a segment that has none is compared with its own earlier windows");
  if (!n) return [title, empty("No set is named. ", el("code", {}, "driftline references create"), " freezes one from a time range, a golden file, a version or the previous release.")];
  const rest = n > details.length ? el("p", { class: "muted" }, `${whole(n - details.length)} older ones are not shown.`) : null;
  return [title, el("ul", { class: "outliers" }, details.map(item)), rest];
}

function item(one) {
  const whose = [one.service, one.segment_by ? `${one.segment_by} ${one.segment}` : null, one.pinned_by ? `${one.pinned_by} ${one.pinned_value || "before"}` : null];
  return el(
    "li",
    { class: "outlier" },
    el(
      "div",
      { class: "line" },
      badge(KINDS[one.kind] ?? one.kind ?? "not frozen", one.is_too_small ? "warn" : "dim"),
      el("span", { class: "name" }, `${one.name} @${one.version}`),
      el("span", { class: "when" }, timeElement(one.created_at)),
    ),
    el("p", {}, whose.filter(Boolean).join(" · "), one.description ? `: ${one.description}` : ""),
    el("p", { class: "muted" }, size(one), " ", alarms(one.checks.filter((check) => check.version === String(one.version)))),
  );
}

function size(one) {
  if (one.kind === "previous_release") return `${whole(one.versions.length)} frozen: one a segment and release, when a window first needs it.`;
  const carries = one.is_too_small ? "too small for any window" : `carries windows of up to ${whole(one.largest_window)} texts`;
  return `${whole(one.n_generations)} calls of ${whole(one.n_blocks)} sessions frozen; ${carries}.`;
}

function alarms(checks) {
  if (!checks.length) return "False alarms are measured when a window is first compared with it.";
  const n = checks.reduce((sum, one) => sum + one.n_windows, 0);
  return `False alarms at 5 %: ${share(checks.reduce((sum, one) => sum + one.n_alarms, 0) / n)} of ${whole(n)} tests of its own windows.`;
}
