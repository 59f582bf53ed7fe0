// One trace: its spans as a tree over time, prompts and completions opened.

import { el } from "./dom.js";
import { compact, duration, pValue, timeElement, usd, whole } from "./format.js";
import { marked, markedInside, meaning, placesOf } from "./marks.js";
import { badge } from "./status.js";

const MOST_OPEN = 3;

/** The view of a trace. spanId: the span to open and bring into sight, or null. scores: of its calls. */
export function drawTrace(trace, spanId, scores = []) {
  const generations = trace.spans.filter((span) => span.generation && span.generation.kind === "llm");
  const counted = generations.filter((span) => !generations.some((other) => other.span_id === span.parent_span_id));
  const sum = (field) => counted.reduce((total, span) => total + (span.generation[field] ?? 0), 0);
  const costs = counted.filter((span) => span.generation.cost_usd !== null);
  const opened = new Set(spanId ? [spanId] : generations.slice(0, MOST_OPEN).map((span) => span.span_id));
  const rows = trace.spans.map((span) => spanItem(span, trace, scores.filter((one) => one.span_id === span.span_id), opened.has(span.span_id), span.span_id === spanId));
  if (spanId) queueMicrotask(() => document.querySelector(".span.chosen")?.scrollIntoView({ block: "center" }));
  return [
    el("a", { href: "#/", class: "back" }, "← Overview"),
    el(
      "div",
      { class: "card" },
      el("div", { class: "heading" }, el("h2", {}, "Trace ", el("code", { class: "inline" }, trace.trace_id)), el("p", {}, timeElement(trace.start_time), ` · ${trace.services.join(", ")}`)),
      el(
        "dl",
        { class: "facts inline" },
        fact("Duration", duration(trace.duration_ms)),
        fact("Spans", `${whole(trace.n_spans)}${trace.is_cut ? " (more are not shown)" : ""}`),
        fact("Errors", whole(trace.n_errors)),
        fact("LLM calls", whole(counted.length)),
        fact("Tokens", `${compact(sum("input_tokens"))} in, ${compact(sum("output_tokens"))} out`),
        fact("Cost", costs.length ? usd(sum("cost_usd")) : "–"),
      ),
    ),
    el("div", { class: "card spans" }, rows),
  ];
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

function spanItem(span, trace, scores, isOpen, isChosen) {
  const isError = span.status === "error";
  const bar = el("i", { class: `bar ${isError ? "err" : span.generation ? "llm" : "plain"}` });
  const whole_ms = trace.duration_ms || 1;
  bar.style.left = `${Math.min((span.offset_ms / whole_ms) * 100, 99.5)}%`;
  bar.style.width = `${Math.max((span.duration_ms / whole_ms) * 100, 0.5)}%`;
  const name = el("span", { class: "name", title: span.name }, span.is_orphan ? "… " : null, span.name || "(unnamed)");
  name.style.paddingLeft = `${Math.min(span.depth, 20) * 16}px`;
  return el(
    "details",
    { class: `span${isChosen ? " chosen" : ""}`, open: isOpen, "data-span": span.span_id },
    el(
      "summary",
      {},
      name,
      el("span", { class: "tags" }, span.generation ? badge(span.generation.kind, "info") : null, isError ? badge("error", "bad") : null, flagBadge(scores)),
      el("span", { class: "track" }, bar),
      el("span", { class: "when" }, duration(span.duration_ms)),
    ),
    el("div", { class: "inside" }, isError && span.status_message ? el("p", { class: "error" }, span.status_message) : null, span.generation ? generationParts(span.generation, scores) : null, spanParts(span)),
  );
}

function flagBadge(scores) {
  const flagged = scores.filter((one) => one.is_flagged);
  if (!flagged.length) return null;
  const title = flagged.map((one) => `${one.analyzer} (${one.field})`).join(", ");
  return el("span", { class: "badge bad", title }, `${flagged.length} ⚑`);
}

function generationParts(generation, scores) {
  const content = generation.content;
  const parts = [
    el(
      "dl",
      { class: "facts inline" },
      fact("Model", generation.model || "–"),
      generation.prompt_version ? fact("Prompt version", generation.prompt_version) : null,
      fact("Tokens", generation.input_tokens === null && generation.output_tokens === null ? "not reported" : `${whole(generation.input_tokens ?? 0)} in, ${whole(generation.output_tokens ?? 0)} out`),
      fact("Cost", usd(generation.cost_usd)),
      generation.finish_reason ? fact("Finish", generation.finish_reason) : null,
      generation.session_id ? fact("Session", generation.session_id) : null,
    ),
  ];
  if (generation.is_error && (generation.error_type || generation.error_message)) {
    parts.push(el("p", { class: "error" }, [generation.error_type, generation.error_message].filter(Boolean).join(": ")));
  }
  if (scores.length) parts.push(scoreParts(scores));
  const asked = placesOf(scores, "prompt");
  const answered = placesOf(scores, "completion");
  const turns = content.input_messages.filter((one) => one && typeof one === "object");
  if (content.system_prompt && !turns.some((one) => one.role === "system")) parts.push(turn("system", content.system_prompt));
  const last = turns.findLastIndex((one) => one.role === "user");
  if (turns.length) parts.push(turns.map((one, index) => turn(one.role, index === last ? markedInside(messageText(one), content.prompt, asked) : messageText(one))));
  else if (content.prompt) parts.push(turn("user", marked(content.prompt, asked)));
  const answers = content.output_messages.filter((one) => one && typeof one === "object");
  if (answers.length) parts.push(answers.map((one) => turn(one.role ?? "assistant", markedInside(messageText(one), content.completion, answered))));
  else if (content.completion) parts.push(turn("assistant", marked(content.completion, answered)));
  if (content.tool_name || content.tool_arguments) parts.push(turn(`tool ${content.tool_name}`, [content.tool_arguments, content.tool_result].filter(Boolean).join("\n→ ")));
  if (content.documents.length) {
    parts.push(el("details", {}, el("summary", {}, `${content.documents.length} documents`), content.documents.map((one) => turn(one.score === null ? one.id : `${one.id} (${pValue(one.score)})`, one.content))));
  }
  return parts;
}

/** What the scorers say: what is flagged in full, the rest folded. */
function scoreParts(scores) {
  const isTold = (one) => one.is_flagged || one.status === "error";
  const told = scores.filter(isTold);
  const rest = scores.filter((one) => !isTold(one)).sort((a, b) => a.analyzer.localeCompare(b.analyzer) || a.field.localeCompare(b.field));
  return [
    told.length ? el("ul", { class: "scores" }, told.map(scoreItem)) : null,
    rest.length ? el("details", { class: "attributes" }, el("summary", {}, `${told.length ? "Other scores" : "Scores"} (${rest.length})`), el("ul", { class: "scores" }, rest.map(scoreItem))) : null,
  ];
}

function scoreItem(one) {
  const unknown = typeof one.evidence.unknown === "string" ? one.evidence.unknown : null;
  const tone = one.is_flagged ? "bad" : one.status === "ok" ? "ok" : "dim";
  const value = one.value === null ? "unknown" : Number(one.value.toPrecision(3));
  const kinds = Object.entries(one.evidence.kinds ?? {}).map(([kind, count]) => `${count} × ${kind.replaceAll("_", " ")}`);
  const said = [one.is_flagged ? meaning(one.analyzer) : null, ...kinds, unknown].filter(Boolean).join(", ");
  return el("li", { class: "line" }, badge(one.status === "error" ? "failed" : one.analyzer.replaceAll("_", " "), tone), el("span", {}, one.field.replaceAll("_", " ")), el("b", {}, value), el("span", { class: "muted" }, said), el("span", { class: "when" }, `version ${one.analyzer_version}`));
}

function messageText(message) {
  const text = typeof message.content === "string" ? message.content : message.content ? JSON.stringify(message.content, null, 2) : "";
  const calls = (message.tool_calls ?? []).map((call) => `${call.name ?? "tool"}(${typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments ?? {})})`);
  return [text, ...calls].filter(Boolean).join("\n");
}

function turn(role, text) {
  const isEmpty = [text].flat().every((piece) => piece === "");
  return el("figure", { class: `turn ${["system", "user", "assistant"].includes(role) ? role : "tool"}` }, el("figcaption", {}, role), el("blockquote", {}, isEmpty ? "(no text)" : text));
}

function spanParts(span) {
  const maps = [
    ["Attributes", span.attributes],
    ["Resource", span.resource_attributes],
    ["Instrumentation", { ...(span.scope_name ? { name: span.scope_name, version: span.scope_version } : {}), ...span.scope_attributes }],
  ].filter(([, values]) => Object.keys(values).length);
  return [
    span.events.map((event) => el("p", { class: "event" }, el("b", {}, event.name), " ", timeElement(event.time), " ", Object.entries(event.attributes).map(([name, value]) => el("span", { class: "chip" }, `${name}=${value}`)))),
    maps.map(([title, values]) =>
      el(
        "details",
        { class: "attributes" },
        el("summary", {}, `${title} (${Object.keys(values).length})`),
        el("dl", { class: "attributes" }, Object.entries(values).sort().map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      ),
    ),
  ];
}
