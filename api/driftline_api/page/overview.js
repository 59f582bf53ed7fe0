// The first view, section by section.

import { ApiError } from "./api.js";
import { el, show } from "./dom.js";
import { drawReferences } from "./references.js";
import { drawBias } from "./bias.js";
import { drawSafety } from "./safety.js";
import { drawAlerts, drawAlertStrip, drawIngest } from "./status.js";
import { drawFindings, drawOutliers } from "./findings.js";
import { chartsOf, drawGroups, drawTiles } from "./traffic.js";

/** Draw every section. Each result is an answer of the API or the ApiError it ended with. */
export function drawOverview({ byId, services, summary, alerts, drifts, findings, strip, outliers, ingest, references, safety, bias }) {
  const hasTraffic = services.length > 0;
  for (const id of ["tiles", "charts", "details", "safety", "bias", "references"]) byId(id).hidden = !hasTraffic;
  const otlpPort = ingest.collectors?.find((one) => one.otlp_http_port)?.otlp_http_port ?? 4318;
  const nSpans = hasTraffic ? null : ingest.spans_24h;
  section(byId("alert-strip"), [alerts], () => drawAlertStrip(alerts));
  section(byId("tiles"), [summary], () => drawTiles(summary));
  section(byId("charts"), [summary], () => chartsOf(summary));
  section(byId("groups"), [summary], () => drawGroups(summary));
  section(byId("alerts"), [alerts], () => drawAlerts(alerts));
  section(byId("findings"), [drifts, findings, strip, hasTraffic, otlpPort, nSpans], () => drawFindings({ drifts, findings, strip, hasTraffic, otlpPort, nSpans }));
  section(byId("outliers"), [outliers], () => drawOutliers(outliers));
  section(byId("bias"), [bias], () => drawBias(bias));
  section(byId("safety"), [safety], () => drawSafety(safety));
  section(byId("references"), [references], () => drawReferences(references));
  section(byId("ingest"), [ingest], () => drawIngest(ingest));
}

function section(target, results, draw) {
  const error = results.find((one) => one instanceof ApiError);
  if (error) show(target, ["error", error.message], () => el("p", { class: "error" }, error.message));
  else show(target, results, draw);
}
