// What scorers point at in a text, marked. Offsets are in code points, as the analyzers count; text is only ever set as text.

import { el } from "./dom.js";

const TONES = { grounding: "unsupported", pii: "private", secrets: "private", prompt_leak: "private", injection: "attack", toxicity: "attack" };
const WORDS = { grounding: "not supported by the documents", pii: "personal data", secrets: "credential", prompt_leak: "from the system prompt", injection: "suspected injection", toxicity: "toxic", relevance: "not about the question", repetition: "repeats itself", language: "not in the language that was asked for", format: "not the expected format" };

/** What a scorer's flag means, in words; '' where its name says it all. */
export function meaning(analyzer) {
  return WORDS[analyzer] ?? "";
}

/** The places that flagged scores of one field point at: [{ start, end, tone, title }], in code points of its text. */
export function placesOf(scores, field) {
  return scores
    .filter((one) => one.is_flagged && one.field === field && Array.isArray(one.evidence?.spans))
    .flatMap((one) =>
      one.evidence.spans.map(spanOf).filter(isSpan).map(({ start, end, reason: own }, index) => {
        const reason = own ?? one.evidence.span_kinds?.[index];
        const title = [meaning(one.analyzer) || one.analyzer, typeof reason === "string" ? reason.replaceAll("_", " ") : null].filter(Boolean).join(", ");
        return { start, end, tone: TONES[one.analyzer] ?? "other", title };
      }),
    );
}

/** A text as pieces, marked where places are; where they overlap the one that begins first is shown. offset: of the places, in code points. */
export function marked(text, places, offset = 0) {
  if (!places.length) return [text];
  const points = Array.from(text);
  const pieces = [];
  let done = 0;
  for (const place of [...places].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const start = Math.max(place.start + offset, done);
    const end = Math.min(place.end + offset, points.length);
    if (start >= end) continue;
    pieces.push(points.slice(done, start).join(""), el("mark", { class: place.tone, title: place.title }, points.slice(start, end).join("")));
    done = end;
  }
  return [...pieces, points.slice(done).join("")];
}

/** The text with the places of `inner`, which it holds somewhere; unmarked when it does not. */
export function markedInside(text, inner, places) {
  const at = inner ? text.indexOf(inner) : -1;
  return at < 0 ? [text] : marked(text, places, Array.from(text.slice(0, at)).length);
}

/** A span as scorers write it, [start, end] or { start, end, reason }, as the latter. */
function spanOf(span) {
  return Array.isArray(span) ? { start: span[0], end: span[1] } : (span ?? {});
}

function isSpan({ start, end }) {
  return Number.isInteger(start) && Number.isInteger(end) && start >= 0;
}
