// The history of an object: its events, and what caused each of them.

import { fail, h, showInDialog, time } from "/pages/page.js";
import { ask } from "/console/desk.js";

export const EVENT = "position type actor recordedAt causedBy payload";

export function history(events) {
  return h(
    "section",
    { class: "sheet" },
    h("h2", null, "History"),
    h("ol", { class: "history", id: "history" }, events.map(event)),
  );
}

function event({ position, type, actor, recordedAt, causedBy, payload }) {
  const why = h(
    "button",
    { type: "button", class: "quiet", onclick: () => showWhy(position).catch(fail) },
    `caused by № ${causedBy}`,
  );
  return h(
    "li",
    null,
    h(
      "details",
      { id: `event-${position}` },
      h(
        "summary",
        null,
        h("span", { class: "type" }, type),
        " ",
        h("small", null, `№ ${position}`),
      ),
      h("pre", null, JSON.stringify(payload, null, 2)),
    ),
    h("div", { class: "faint" }, time(recordedAt), ", by ", actorName(actor), causedBy && [", ", why]),
  );
}

/** Shortens an actor to its kind and the first and last digits of its id. */
function actorName(actor) {
  const [kind, id] = actor.split(":");
  return h(
    "span",
    { title: actor },
    /^[0-9a-f-]{36}$/.test(id)
      ? `${kind} ${id.slice(0, 4)}…${id.slice(-4)}`
      : actor.replace(":", " "),
  );
}

async function showWhy(position) {
  const { why } = await ask(
    `query($position: Position!) { why(position: $position) { position type actor recordedAt } }`,
    { position },
  );
  const cause = ({ position, type, actor, recordedAt }) =>
    h(
      "li",
      null,
      h("span", { class: "type" }, type),
      " ",
      h("small", null, `№ ${position}`),
      h("div", { class: "faint" }, time(recordedAt), ", by ", actorName(actor)),
    );
  showInDialog(`Why ${why[0].type}?`, h("ol", { class: "history" }, why.map(cause)));
}
