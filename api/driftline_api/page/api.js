// Requests to /api/v1 of this server; errors carry the problem's own words.

const PROJECT = new URLSearchParams(location.search).get("project");

/** An answer that is not the one hoped for; message: what the API said. */
export class ApiError extends Error {}

/** GET a path below /api/v1 as JSON. parameters: '' and null are left out. Throws ApiError. */
export function get(path, parameters = {}, signal = undefined) {
  return ask(path, parameters, { signal });
}

/** PUT a JSON body. Throws ApiError. */
export function put(path, body) {
  return ask(path, {}, { method: "PUT", body: JSON.stringify(body) });
}

async function ask(path, parameters, request) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...parameters, project: PROJECT })) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const headers = { accept: "application/json", ...(request.body ? { "content-type": "application/json" } : {}) };
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}?${query}`, { ...request, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("Driftline does not answer. Is it still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(body?.detail ? `${body.title}: ${body.detail}` : `HTTP status ${answer.status}`);
  return body;
}
