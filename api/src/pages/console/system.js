// The state of the system: its health and its read models.

import { badge, facts, h } from "/pages/page.js";
import { ask, head, session, table } from "/console/desk.js";

export const overview = {
  load: async () => {
    const [{ projections }, health, info] = await Promise.all([
      ask(
        "query { projections { name position lagEvents lagMilliseconds owner version stoppedBecause } }",
      ),
      fetchJson("/health"),
      fetchJson("/health/info"),
    ]);
    return { projections, health, info };
  },
  render: ({ projections, health, info }) => [
    head("System", badge(health.status.toUpperCase())),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        null,
        h("section", { class: "sheet" }, h("h2", null, "Read models"), models(projections)),
      ),
      h(
        "div",
        null,
        h("section", { class: "sheet" }, h("h2", null, "Health"), checks(health)),
        h("section", { class: "sheet" }, h("h2", null, "Program"), program(info)),
      ),
    ),
  ],
};

/** Fetches JSON. The status is not checked, because `/health` has a body with the status 503 too. */
async function fetchJson(path) {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${session.token}` } });
  return answer.json();
}

const models = (projections) =>
  table(
    [
      ["Name", ({ name }) => name],
      ["Position", ({ position }) => position, "number"],
      ["Events behind", ({ lagEvents }) => lagEvents, "number"],
      ["Lag", ({ lagMilliseconds }) => `${lagMilliseconds} ms`, "number"],
      ["Version", ({ version }) => version, "number"],
      [
        "Updated by",
        ({ owner, stoppedBecause }) =>
          stoppedBecause ? h("span", { class: "error" }, stoppedBecause) : node(owner),
      ],
    ],
    projections,
    "There are no read models.",
  );

const node = (owner) => (owner ? h("code", { title: owner }, owner.slice(0, 12)) : "no node");

const checks = ({ checks }) =>
  table(
    [
      ["Name", ({ name }) => name],
      [
        "Status",
        ({ status, error }) => [
          badge(status.toUpperCase()),
          error && h("small", null, ` ${error}`),
        ],
      ],
      ["Answers in", ({ responseTimeMs }) => `${responseTimeMs.toFixed(1)} ms`, "number"],
    ],
    checks ?? [],
    "Only staff can see the checks.",
  );

const program = ({ version, build, uptimeSeconds, logHead }) =>
  facts(
    ["Version", version],
    ["Build", build],
    ["Uptime", `${Math.floor(uptimeSeconds / 60)} min`],
    ["Last event", logHead && `№ ${logHead}`],
  );
