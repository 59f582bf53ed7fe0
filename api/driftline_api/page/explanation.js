// Why a finding differs: topics, slices, what length or language explains, numbers, groups of outliers. Nothing is drawn that was not found.

import { el } from "./dom.js";
import { pValue, share, whole } from "./format.js";

const MOST = 4;

/** The parts of an explanation, in the order in which a person asks. quote: draws one example. */
export function explanationParts(one, quote) {
  const told = one.explanation ?? {};
  return [topics(told.topics), carrier(told), slices(told.slices), explained(told.covariates), style(told.style), numbers(told.numbers), groups(told.groups, quote), kept(told.kept), pressed(told.back_pressure), statistics(told.statistics), calibration(told.calibration)];
}

function topics(found) {
  const rows = [...(found?.grown ?? []).map((one) => ["grew", one]), ...(found?.shrunk ?? []).map((one) => ["shrank", one])];
  if (!rows.length) return null;
  return part(
    typeof found.psi === "number" ? `Topics (stability index ${number(found.psi)}, for display)` : "Topics",
    rows.slice(0, 2 * MOST).map(([how, one]) => [`${how}: ${(one.terms ?? []).join(", ") || "(no terms)"}`, `${share(one.share_before)} → ${share(one.share_after)} of the texts, p ${pValue(one.p_value)}`]),
  );
}

function carrier({ carried_by: by }) {
  return by?.name ? el("p", {}, `Carried by ${by.name} ${by.value}.`) : null;
}

function slices(found) {
  if (!found?.length) return null;
  return part(
    "Slices, each tested alone",
    found.slice(0, 2 * MOST).map((one) => [`${one.name} ${one.value || "(none)"}`, `${share(one.share_before)} → ${share(one.share_after)}, ${whole(one.n_texts)} texts, p ${pValue(one.p_value)}`]),
  );
}

function explained(found) {
  const telling = (found ?? []).filter((one) => one.share_explained > 0);
  if (!telling.length) return null;
  return part(
    "Explained by",
    telling.slice(0, MOST).map((one) => [one.name, `${share(one.share_explained)} of the effect, p ${pValue(one.p_value_without)} without it${one.change ? `; ${one.change}` : ""}`]),
  );
}

function style(found) {
  return found?.length ? part("Style", found.slice(0, MOST).map((one) => [one.label ?? one.feature, one.sentence])) : null;
}

function numbers(found) {
  if (!found?.before) return null;
  const told = (side) => `median ${number(side.median)}, p95 ${number(side.p95)}, mean ${number(side.mean)}`;
  return part("Values", [["before", told(found.before)], ["after", told(found.after)]]);
}

function groups(found, quote) {
  if (!found?.length) return null;
  return found.slice(0, MOST).map((one) =>
    el(
      "div",
      {},
      el("h3", {}, `${whole(one.n_texts)} texts of ${whole(one.n_sessions)} sessions: ${(one.terms ?? []).join(", ") || "one group"}`),
      (one.examples ?? []).slice(0, 3).map((example) => quote(example, "new")),
    ),
  );
}

function kept(found) {
  const reasons = { error: "failed", extreme: "extreme length, tokens or time", outlier: "outliers before" };
  const rows = Object.entries(found ?? {});
  if (!rows.length) return null;
  return part("Looked at beside the sample", rows.map(([reason, one]) => [reasons[reason] ?? reason, `${whole(one.n)} texts, ${whole(one.n_outliers)} outliers`]));
}

function pressed(found) {
  if (!found) return null;
  return el("p", { class: "muted" }, `Tested on at most ${whole(found.max_texts)} texts, because the window had waited ${whole(Math.round(found.waited_s / 60))} minutes: the analyzers were behind.`);
}

function statistics(found) {
  const rows = Object.entries(found ?? {});
  if (rows.length < 2) return null;
  return part("Statistics", rows.map(([name, one]) => [name, `z ${number(one.z)}, p ${pValue(one.p_value)}`]));
}

function calibration(found) {
  if (typeof found?.measured !== "number") return null;
  return el("p", { class: "muted" }, `False alarms: set to ${share(found.configured)}; measured on the reference's own windows ${share(found.measured)} of ${whole(found.n_windows)} (95 % interval ${share(found.low)} to ${share(found.high)}).`);
}

function number(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(3))) : "–";
}

function part(title, pairs) {
  return el("div", {}, el("h3", {}, title), el("dl", { class: "facts" }, pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}
