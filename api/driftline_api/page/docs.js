// The API reference, drawn from /openapi.json: every operation with its parameters, an example call and its answer's fields.

import { append, el } from "./dom.js";

const MOST_DEPTH = 3;

const target = document.getElementById("reference");
try {
  const schema = await (await fetch("/openapi.json")).json();
  target.replaceChildren();
  append(target, draw(schema));
} catch (error) {
  target.replaceChildren(el("p", { class: "error" }, `The description could not be read: ${error.message}`));
}

function draw(schema) {
  const byTag = new Map();
  for (const [path, item] of Object.entries(schema.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags?.[0] ?? "other";
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push({ path, method, operation });
    }
  }
  const intro = el("div", { class: "card" }, schema.info.description.trim().split("\n\n").map((text) => el("p", {}, text.replaceAll("`", ""))));
  const groups = [...byTag].map(([tag, operations]) =>
    el("div", { class: "card" }, el("div", { class: "heading" }, el("h2", {}, tag)), operations.map((one) => operationItem(one, schema))),
  );
  return [intro, groups];
}

function operationItem({ path, method, operation }, schema) {
  const parameters = operation.parameters ?? [];
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const answer = success?.[1].content?.["application/json"]?.schema;
  return el(
    "details",
    { class: "finding" },
    el("summary", {}, el("span", { class: `badge ${method === "get" ? "info" : method === "delete" ? "bad" : "ok"}` }, method.toUpperCase()), el("span", { class: "name" }, path), el("span", { class: "when" }, operation.summary ?? "")),
    el(
      "div",
      { class: "inside" },
      operation.description ? el("p", {}, operation.description) : null,
      parameters.length ? table(parameters.map((one) => ({ name: one.name, type: `${typeName(one.schema, schema)}, ${one.in}${one.required ? ", required" : ""}`, text: one.description ?? one.schema.description ?? "" }))) : null,
      body ? [el("h3", {}, "Body"), table(fields(body, schema))] : null,
      el("code", {}, curl(path, method, operation, body ? resolve(body, schema) : null)),
      success ? el("h3", {}, `Answer (${success[0]})`) : null,
      answer ? table(fields(answer, schema)) : null,
    ),
  );
}

function table(rows) {
  return el(
    "div",
    { class: "scroll" },
    el("table", {}, el("tbody", {}, rows.map(({ name, type, text }) => el("tr", {}, el("td", {}, name), el("td", { class: "muted" }, type), el("td", {}, text))))),
  );
}

function resolve(value, schema) {
  const target = value?.$ref?.split("/").pop();
  return target ? schema.components.schemas[target] : value;
}

function fields(value, schema, prefix = "", depth = 0) {
  const resolved = resolve(value, schema);
  return Object.entries(resolved?.properties ?? {}).flatMap(([name, field]) => {
    const row = { name: `${prefix}${name}`, type: typeName(field, schema), text: field.description ?? "" };
    const inner = field.items ?? field.anyOf?.find((one) => one.$ref) ?? field;
    const isNested = depth < MOST_DEPTH && resolve(inner, schema)?.properties;
    return isNested ? [row, ...fields(inner, schema, `${prefix}${name}${field.items ? "[]" : ""}.`, depth + 1)] : [row];
  });
}

function typeName(value, schema) {
  if (!value) return "";
  if (value.anyOf) return value.anyOf.map((one) => typeName(one, schema)).join(" or ");
  if (value.enum) return value.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (value.const !== undefined) return JSON.stringify(value.const);
  if (value.type === "array") return `list of ${typeName(value.items, schema)}`;
  if (value.$ref) return value.$ref.split("/").pop();
  return value.format ? `${value.type} (${value.format})` : (value.type ?? "anything");
}

function curl(path, method, operation, body) {
  const query = (operation.parameters ?? [])
    .filter((one) => one.in === "query" && (one.schema.examples?.length || one.required))
    .slice(0, 2)
    .map((one) => `${one.name}=${encodeURIComponent(one.schema.examples?.[0] ?? "...")}`)
    .join("&");
  const data = body?.examples?.length ? ` -H 'content-type: application/json' -d '${JSON.stringify(body.examples[0])}'` : "";
  return `curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`} '${location.origin}${path}${query ? `?${query}` : ""}'${data}`;
}
