// Numbers, times and durations for people.

import { el } from "./dom.js";

const WHOLE = new Intl.NumberFormat("en-US");
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const DAY_MS = 86_400_000;

export function whole(value) {
  return WHOLE.format(value);
}

/** 1,234 stays; 12,345 becomes 12.3K. */
export function compact(value) {
  return Math.abs(value) < 10_000 ? WHOLE.format(Math.round(value * 100) / 100) : COMPACT.format(value);
}

export function usd(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "$0";
  if (Math.abs(value) >= 1000) return `$${COMPACT.format(value)}`;
  if (Math.abs(value) >= 1) return `$${value.toFixed(2)}`;
  if (Math.abs(value) >= 0.01) return `$${value.toFixed(3)}`;
  return `$${Number(value.toPrecision(2))}`;
}

export function share(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  const percent = Math.abs(value) < 1e-6 ? 0 : value * 100;
  return `${percent === 0 || percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2)} %`;
}

/** A duration in milliseconds. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${Number(ms.toPrecision(2))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

export function pValue(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.0001) return value.toExponential(1);
  return value < 0.01 ? value.toFixed(4) : value.toFixed(3);
}

export function bytes(value) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${unit && rest < 10 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
}

/** "5 minutes ago" in few letters. */
export function ago(iso, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** A point in time, in the viewer's zone, short: the day only when it is not today. */
export function clock(date, withSeconds = false) {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (withSeconds) time.second = "2-digit";
  const isToday = date.toDateString() === new Date().toDateString();
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  const day = isToday ? {} : { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) };
  return date.toLocaleString("en-GB", { ...day, ...time });
}

/** Axis label: the day at midnight or for long ranges, the hour otherwise. */
export function tickLabel(date, spanMs) {
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (spanMs > 3 * DAY_MS || isMidnight) return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** A <time> in the viewer's zone with UTC on hover. */
export function timeElement(iso, text) {
  return el("time", { datetime: iso, title: utc(iso) }, text ?? clock(new Date(iso)));
}

/** From and to as one text with UTC on hover. */
export function windowElement(fromIso, toIso) {
  const from = new Date(fromIso);
  const to = new Date(toIso);
  const sameDay = from.toDateString() === to.toDateString();
  const end = sameDay
    ? to.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
    : clock(to);
  return el("time", { datetime: fromIso, title: `${utc(fromIso)} – ${utc(toIso)}` }, `${clock(from)} – ${end}`);
}

export function utc(iso) {
  return `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
