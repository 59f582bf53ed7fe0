// Requests to /api/v1 of this server; errors carry the problem's own words.

const PROJECT = new URLSearchParams(location.search).get("project");

/** An answer that is not the one hoped for; message: what the API said. */
export class ApiError extends Error {}

/** GET a path below /api/v1 as JSON. parameters: '' and null are left out. Throws ApiError. */
export async function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...parameters, project: PROJECT })) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}?${query}`, { headers: { accept: "application/json" }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("Driftline does not answer. Is it still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(body?.detail ? `${body.title}: ${body.detail}` : `HTTP status ${answer.status}`);
  return body;
}
