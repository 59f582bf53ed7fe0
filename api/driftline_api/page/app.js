// The page: which view, which range, and a refresh every ten seconds that changes only what changed.

import { ApiError, get } from "./api.js";
import { el, forget, show } from "./dom.js";
import { readBias } from "./bias.js";
import { ago, clock } from "./format.js";
import { drawOverview } from "./overview.js";
import { readReferences } from "./references.js";
import { drawReview, readReview } from "./review.js";
import { readSafety } from "./safety.js";
import { drawTrace } from "./trace.js";

const REFRESH_MS = 10_000;
const HOUR_MS = 3_600_000;
const RANGES = { "1h": HOUR_MS, "6h": 6 * HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS, "90d": 2160 * HOUR_MS, all: null };
const RANGE_NAMES = { "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", all: "All" };
const DEFAULT_RANGE = "24h";
const STRIP_MS = 168 * HOUR_MS;

const byId = (id) => document.getElementById(id);
const view = { services: [], widened: null, lastGood: null, reviewed: null };
let running = null;
let timer = 0;

/** What the address says: the path after # and its parameters. */
function address() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  return { path: path || "/", query: new URLSearchParams(query ?? "") };
}

function navigate(changes, path = "/") {
  const { query } = address();
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  view.widened = null;
  location.hash = `#${path}?${query}`;
}

/** From and to of the chosen range as Dates. `all` spans what was ever seen. */
function timeRange(name) {
  const now = new Date();
  if (RANGES[name] !== null) return { from: new Date(now - RANGES[name]), to: now };
  const firsts = view.services.map((one) => Date.parse(one.first_minute));
  const lasts = view.services.map((one) => Date.parse(one.last_minute) + 60_000);
  if (!firsts.length) return { from: new Date(now - RANGES[DEFAULT_RANGE]), to: now };
  return { from: new Date(Math.min(...firsts)), to: new Date(Math.max(...lasts)) };
}

/** The narrowest range that reaches back to the last traffic. */
function widen(services) {
  const last = Math.max(...services.map((one) => Date.parse(one.last_minute)));
  const age = Date.now() - last;
  return Object.keys(RANGES).find((name) => RANGES[name] === null || (RANGES[name] > RANGES[DEFAULT_RANGE] && RANGES[name] > age));
}

async function refresh() {
  clearTimeout(timer);
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  byId("state").classList.add("busy");
  try {
    const { path, query } = address();
    const traceId = path.match(/^\/trace\/([0-9a-fA-F]+)$/)?.[1];
    const isReview = path === "/review" && Boolean(query.get("analyzer"));
    byId("overview").hidden = byId("pickers").hidden = Boolean(traceId) || isReview;
    byId("trace").hidden = !traceId;
    byId("review").hidden = !isReview;
    if (traceId) await refreshTrace(traceId, query.get("span"), signal);
    else if (isReview) await refreshReview(query, signal);
    else await refreshOverview(query, signal);
    view.lastGood = Date.now();
    drawState(null);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) console.error(error);
    drawState(error.message);
  }
  timer = setTimeout(refresh, REFRESH_MS);
}

async function refreshTrace(traceId, spanId, signal) {
  const target = byId("trace");
  note(null);
  try {
    const trace = await get(`traces/${traceId}`, {}, signal);
    const scores = await scoresOf(trace, signal);
    show(target, ["trace", spanId, trace, scores], () => drawTrace(trace, spanId, scores));
  } catch (error) {
    if (error instanceof ApiError) {
      const back = el("a", { href: "#/", class: "back" }, "← Overview");
      show(target, ["error", error.message], () => [back, el("p", { class: "error" }, error.message)]);
    }
    throw error;
  }
}

/** Read once and kept, so that nothing moves below a reviewer's hand. */
async function refreshReview(query, signal) {
  const target = byId("review");
  const key = ["review", query.toString()];
  if (view.reviewed === key.join("?")) return;
  note(null);
  view.services = (await get("services", {}, signal)).items;
  const { from, to } = timeRange(RANGES[query.get("range")] === undefined ? "all" : query.get("range"));
  const found = await readReview(query, { from: from.toISOString(), to: to.toISOString() }, signal);
  forget(target);
  show(target, key, () => drawReview(query, found, (changes) => navigate(changes, "/review")));
  view.reviewed = key.join("?");
}

/** What the scorers say about the calls of a trace; nothing where that cannot be read: the trace is worth showing without. */
async function scoresOf(trace, signal) {
  const start = Date.parse(trace.start_time);
  const range = { from: new Date(start - 1000).toISOString(), to: new Date(start + trace.duration_ms + 1000).toISOString() };
  try {
    return (await get("scores", { trace_id: trace.trace_id, ...range, limit: 500 }, signal)).items;
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

async function refreshOverview(query, signal) {
  view.services = (await get("services", {}, signal)).items;
  const service = query.get("service") ?? "";
  const model = query.get("model") ?? "";
  const chosen = RANGES[query.get("range")] !== undefined ? query.get("range") : null;
  let name = chosen ?? view.widened ?? DEFAULT_RANGE;
  if (!chosen && !view.widened && view.services.length) {
    const last = Math.max(...view.services.map((one) => Date.parse(one.last_minute)));
    if (Date.now() - last > RANGES[DEFAULT_RANGE]) name = view.widened = widen(view.services);
  }
  drawPickers(service, model, name);
  const range = timeRange(name);
  const bounds = { from: range.from.toISOString(), to: range.to.toISOString() };
  const stripFrom = new Date(Math.min(range.from, range.to - STRIP_MS)).toISOString();
  const segment = { service, model };
  // A window that ends a little after now is the one that matters most.
  const until = new Date(range.to.getTime() + 24 * HOUR_MS).toISOString();
  const [summary, alerts, drifts, findings, strip, outliers, ingest, references, safety, bias] = await settle([
    get("summary", { ...bounds, ...segment }, signal),
    get("alerts", {}, signal),
    get("findings", { ...segment, from: bounds.from, to: until, status: "drift", include: "explanation", limit: 12 }, signal),
    get("findings", { ...segment, from: bounds.from, to: until, not_analyzer: "bias", include: "explanation", limit: 12 }, signal),
    get("findings", { ...segment, from: stripFrom, to: until, not_analyzer: "bias", limit: 500 }, signal),
    get("scores", { ...bounds, ...segment, analyzer: "outliers", limit: 8 }, signal),
    get("ingest", {}, signal),
    readReferences(service, signal),
    readSafety({ ...bounds, ...segment }, signal),
    readBias(service, range.to, signal),
  ]);
  const widened = view.widened && !chosen;
  note(widened ? `No traffic in the last 24 hours; showing ${name === "all" ? "all there is" : `the last ${RANGE_NAMES[name]}`}.` : null);
  drawOverview({ byId, services: view.services, summary, alerts, drifts, findings, strip, outliers, ingest, references, safety, bias });
}

/** Every result, a failed one as its ApiError: one section that fails leaves the others standing. */
async function settle(requests) {
  const results = await Promise.allSettled(requests);
  const failed = results.filter((one) => one.status === "rejected");
  const other = failed.find((one) => !(one.reason instanceof ApiError));
  if (other) throw other.reason;
  if (failed.length === results.length) throw failed[0].reason;
  return results.map((one) => (one.status === "fulfilled" ? one.value : one.reason));
}

function drawPickers(service, model, range) {
  const services = view.services.map((one) => one.service);
  const models = [...new Set(view.services.filter((one) => !service || one.service === service).flatMap((one) => one.models))].sort();
  options(byId("service"), "All services", services, service);
  options(byId("model"), "All models", models, model);
  show(byId("ranges"), range, () =>
    Object.keys(RANGES).map((name) =>
      el("button", { type: "button", "aria-pressed": String(name === range), onclick: () => navigate({ range: name }) }, RANGE_NAMES[name]),
    ),
  );
}

function options(select, all, names, chosen) {
  const wanted = chosen && !names.includes(chosen) ? [chosen, ...names] : names;
  show(select, wanted, () => [el("option", { value: "" }, all), ...wanted.map((name) => el("option", { value: name }, name || "(unnamed)"))]);
  if (select.value !== chosen) select.value = chosen;
}

function note(text) {
  byId("note").hidden = !text;
  byId("note").textContent = text ?? "";
}

function drawState(problem) {
  const state = byId("state");
  state.classList.remove("busy");
  state.classList.toggle("bad", Boolean(problem));
  const good = view.lastGood ? `updated ${clock(new Date(view.lastGood), true)}` : "";
  const stale = view.lastGood ? ` Last good update ${ago(new Date(view.lastGood).toISOString())}.` : "";
  state.replaceChildren(el("i", { class: "lamp" }), el("span", {}, problem ? `${problem}${stale}` : good));
}

byId("service").addEventListener("change", (event) => navigate({ service: event.target.value, model: "" }));
byId("model").addEventListener("change", (event) => navigate({ model: event.target.value }));
byId("pickers").addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => {
  view.reviewed = null;
  forget(byId("trace"));
  refresh();
  scrollTo(0, 0);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refresh();
});
refresh();
