// Notifications: the messages to customers and staff, and whether they were sent.

import { badge, h, label, time } from "/pages/page.js";
import { ask, filter, head, orderLink, pages, table, withOrderNumbers } from "/console/desk.js";

export const MESSAGE =
  "id template status recipient orderId createdAt sentAt nextAttemptAt abandonedBecause attempts { at failure }";

export const list = {
  load: async ({ query: { status, after } }) => {
    const { notifications } = await ask(
      `query($status: NotificationStatus, $after: String, $position: Position) {
      notifications(first: 20, after: $after, filter: { status: $status }, minPosition: $position) {
        nodes { ${MESSAGE} } pageInfo { hasNextPage endCursor }
      }
    }`,
      { status, after },
    );
    const nodes = await withOrderNumbers(notifications.nodes);
    return { notifications: { ...notifications, nodes } };
  },
  render: ({ notifications }, route) => [
    head("Notifications", filter("status", "Status", ["PENDING", "SENT", "ABANDONED"], route)),
    messages(notifications.nodes, ["Order", orderLink]),
    pages(notifications.pageInfo, route),
  ],
};

/** A table of messages. The caller can add columns. */
export const messages = (nodes, ...columns) =>
  table(
    [
      ["Requested", ({ createdAt }) => time(createdAt)],
      ["Message", ({ template }) => label(template)],
      ["To", ({ recipient }) => recipient ?? "–"],
      ["Status", ({ status }) => badge(status)],
      ...columns,
      ["Attempts", attempts],
    ],
    nodes,
    "No messages.",
  );

function attempts({ attempts, nextAttemptAt, abandonedBecause }) {
  const failure = attempts.at(-1)?.failure;
  return h(
    "span",
    null,
    String(attempts.length),
    failure && h("small", null, ` ${failure}`),
    abandonedBecause && h("small", { class: "error" }, ` ${abandonedBecause}`),
    nextAttemptAt && h("small", null, ", next ", time(nextAttemptAt)),
  );
}
