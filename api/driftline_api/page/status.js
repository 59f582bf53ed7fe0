// Alerts and the state of ingest.

import { el, empty, heading } from "./dom.js";
import { ago, bytes, compact, timeElement, whole } from "./format.js";

const MOST_SHOWN = 12;

const MOST_IN_STRIP = 3;
const WORST_FIRST = ["critical", "error", "warning"];

/** One line at the top for each firing alert, the worst first, and how many more there are; nothing when none fires. */
export function drawAlertStrip({ items }) {
  const firing = items.filter((one) => one.state === "firing").sort((one, other) => rank(one) - rank(other));
  const lines = firing.slice(0, MOST_IN_STRIP).map((one) =>
    el(
      "a",
      { class: "strip", href: "#alerts", onclick: jump },
      el("b", {}, one.alertname),
      el("span", {}, one.summary || labelText(one)),
      one.active_at ? el("span", { class: "when" }, `since ${ago(one.active_at)}`.replace(" ago", "")) : null,
    ),
  );
  const left = firing.length - lines.length;
  if (left > 0) lines.push(el("a", { class: "strip", href: "#alerts", onclick: jump }, el("span", {}, `${left} more fire`)));
  return lines;
}

function rank(one) {
  const place = WORST_FIRST.indexOf(one.severity);
  return place < 0 ? WORST_FIRST.length : place;
}

function jump(event) {
  event.preventDefault();
  document.getElementById("alerts").scrollIntoView({ behavior: "smooth", block: "center" });
}

/** Every alert with its labels, since when, and where to read on. */
export function drawAlerts({ items, n_rules, rule_problems }) {
  const counts = ["firing", "pending", "resolved"].map((state) => [state, items.filter((one) => one.state === state).length]);
  const told = counts.filter(([, count]) => count).map(([state, count]) => `${count} ${state}`).join(", ");
  const rules = n_rules === null ? "no evaluator runs in this process" : `${n_rules} rule${n_rules === 1 ? "" : "s"} loaded`;
  const problems = rule_problems.map((rule) =>
    el("p", { class: "error" }, `Rule ${rule.name} could not be evaluated: ${rule.last_error || rule.health}. It neither fires nor resolves until it can.`),
  );
  const list = items.length ? el("ul", { class: "alerts" }, items.slice(0, MOST_SHOWN).map(alertItem)) : noAlerts(n_rules, rule_problems.length);
  return [heading("Alerts", told ? `${told}; ${rules}` : rules), problems, list];
}

/** No alert is not always good news: say which of the reasons it is. */
function noAlerts(nRules, nProblems) {
  if (nRules === null) return empty(el("b", {}, "No alert is stored."), " Rules are evaluated by driftline up or driftline alerts.");
  if (nRules === 0) return empty(el("b", {}, "No rule is loaded,"), " so nothing can fire.");
  if (nProblems) return empty(el("b", {}, "Nothing fires"), ` among the ${nRules - nProblems} rules that could be evaluated.`);
  return empty(el("b", {}, "Nothing fires."), ` All ${nRules} rules are evaluated.`);
}

function alertItem(one) {
  const runbook = one.annotations.runbook_url || one.annotations.dashboard_url;
  const when = one.state === "resolved" ? one.resolved_at : one.active_at;
  return el(
    "li",
    { class: `alert ${one.state}` },
    el(
      "div",
      { class: "line" },
      badge(one.state, one.state === "firing" ? "bad" : one.state === "pending" ? "warn" : "ok"),
      el("b", {}, one.alertname),
      one.severity ? el("span", { class: "chip" }, one.severity) : null,
      when ? el("span", { class: "when" }, timeElement(when, `${one.state === "resolved" ? "" : "since "}${one.state === "resolved" ? ago(when) : ago(when).replace(" ago", "")}`)) : null,
    ),
    one.summary ? el("p", {}, one.summary) : null,
    one.description && one.description !== one.summary ? el("p", { class: "muted" }, one.description) : null,
    el("p", { class: "chips" }, chips(one.labels)),
    runbook && /^https?:\/\//.test(runbook) ? el("p", {}, el("a", { href: runbook, rel: "noreferrer", target: "_blank" }, "What to do")) : null,
  );
}

function chips(labels) {
  return Object.entries(labels)
    .filter(([name, value]) => value && name !== "alertname" && name !== "severity")
    .map(([name, value]) => el("span", { class: "chip" }, `${name}=${value}`));
}

function labelText(one) {
  return Object.entries(one.labels).filter(([name]) => name !== "alertname").map(([name, value]) => `${name}=${value}`).join(" ");
}

export function badge(text, tone) {
  return el("span", { class: `badge ${tone}` }, text);
}

/** Whether spans arrive and what became of them. */
export function drawIngest({ spans_1m, spans_1h, spans_24h, last_stored_at, collectors }) {
  const when = last_stored_at ? ["last span ", timeElement(last_stored_at, ago(last_stored_at))] : "no span in the last 24 hours";
  const rows = [
    ["Spans stored", `${compact(spans_1m)} last minute, ${compact(spans_1h)} last hour, ${compact(spans_24h)} last day`],
    ...collectors.flatMap(collectorRows),
  ];
  const down = collectors.filter((one) => !one.is_ok).map((one) => el("p", { class: "error" }, `${one.name}: ${one.detail}`));
  return [
    heading("Ingest", when),
    down,
    el("dl", { class: "facts" }, rows.map(([name, value, tone]) => [el("dt", {}, name), el("dd", { class: tone ?? null }, value)])),
  ];
}

function collectorRows({ stats }) {
  const rejected = Object.entries(stats.rejected_spans ?? {});
  const refused = Object.entries(stats.rejected_requests ?? {});
  const told = (entries) => entries.map(([reason, count]) => `${whole(count)} ${reason.replaceAll("_", " ")}`).join(", ");
  const rows = [];
  if ("received_spans" in stats) rows.push(["Received", `${compact(stats.received_spans)} spans since the start`]);
  if ("stored_spans" in stats) rows.push(["Stored", `${compact(stats.stored_spans)} spans`]);
  if (stats.duplicate_spans) rows.push(["Sent again", `${compact(stats.duplicate_spans)} spans, kept once`]);
  if (rejected.length) rows.push(["Rejected spans", told(rejected), "worse"]);
  if (refused.length) rows.push(["Refused requests", told(refused), "worse"]);
  if (stats.dead_lettered_spans) rows.push(["Dead-lettered", `${whole(stats.dead_lettered_spans)} spans`, "worse"]);
  if (stats.load_errors) rows.push(["Failed inserts", whole(stats.load_errors), "worse"]);
  if ("spool_bytes" in stats) {
    const wait = stats.spool_bytes && stats.oldest_unloaded_s > 5 ? `, oldest ${Math.round(stats.oldest_unloaded_s)} s` : "";
    rows.push(["Spool", `${bytes(stats.spool_bytes)} waiting of ${bytes(stats.spool_max_bytes)}${wait}`]);
  }
  return rows;
}
