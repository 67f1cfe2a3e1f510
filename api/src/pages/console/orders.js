// The list of orders.

import { money, MONEY } from "/pages/graphql.js";
import { badge, h, label, time } from "/pages/page.js";
import { ask, filter, head, pages, table } from "/console/desk.js";

const STATUSES = [
  "PENDING",
  "PAID",
  "PROCESSING",
  "SHIPPED",
  "DELIVERED",
  "REFUNDED",
  "CANCELLED",
  "EXPIRED",
];

export const list = {
  load: ({ query: { status, after } }) =>
    ask(
      `query($status: OrderStatus, $after: String, $position: Position) {
      orders(first: 20, after: $after, filter: { status: $status }, minPosition: $position) {
        nodes { id number status paymentState fulfilmentState placedAt total { ${MONEY} } contact { name } lines { quantity } }
        pageInfo { hasNextPage endCursor }
      }
    }`,
      { status, after },
    ),
  render: ({ orders }, route) => [
    head("Orders", filter("status", "Status", STATUSES, route)),
    table(
      [
        ["Number", ({ id, number }) => h("a", { href: `#/orders/${id}` }, number)],
        ["Placed", ({ placedAt }) => time(placedAt)],
        ["For", ({ contact }) => contact?.name ?? "–"],
        ["Status", ({ status }) => badge(status)],
        ["Payment", ({ paymentState }) => label(paymentState)],
        ["Goods", ({ fulfilmentState }) => label(fulfilmentState)],
        [
          "Units",
          ({ lines }) => lines.reduce((units, { quantity }) => units + quantity, 0),
          "number",
        ],
        ["Total", ({ total }) => money(total), "number"],
      ],
      orders.nodes,
      route.query.status ? "No order has this status." : "No orders.",
    ),
    pages(orders.pageInfo, route),
    h(
      "p",
      { class: "faint" },
      "Each server reserves order numbers in blocks, so some numbers are skipped after a restart.",
    ),
  ],
};
