// One order: its lines, payments, parcels, messages, and the actions that are possible.

import { isNothing, money, MONEY } from "/pages/graphql.js";
import { badge, day, facts, h, time } from "/pages/page.js";
import { action, ask, given, head, table } from "/console/desk.js";
import { EVENT, history } from "/console/history.js";
import { messages, MESSAGE } from "/console/notifications.js";
import { payment, PAYMENT } from "/console/payments.js";

const ORDER = `query($id: ID!, $position: Position) { order(id: $id, minPosition: $position) {
  id number status paymentState fulfilmentState cancelReason placedAt reservedUntil version
  contact { name email phone } shippingAddress { street city region postalCode country }
  lines { sku name quantity unitPrice { ${MONEY} } total { ${MONEY} } shipped delivered returnRequested returned }
  subtotal { ${MONEY} } discount { ${MONEY} } couponCode shipping { ${MONEY} } tax { ${MONEY} } total { ${MONEY} }
  payments { ${PAYMENT} }
  shipments { carrier trackingNumber estimatedDelivery shippedAt lines { sku quantity } }
  notes { text at } notifications { ${MESSAGE} }
  history(first: 100) { nodes { ${EVENT} } }
} }`;

const HISTORY = `query($id: ID!) { history(kind: PAYMENT, id: $id, first: 100) { nodes { ${EVENT} } } }`;

export const one = {
  /** Loads the order and its history, which includes the events of its payments. */
  load: async ({ id }) => {
    const { order } = await ask(ORDER, { id });
    if (!order) return { order };
    const others = await Promise.all(order.payments.map(({ id }) => ask(HISTORY, { id })));
    const events = [order, ...others].flatMap(({ history }) => history.nodes);
    return { order, events: events.sort((a, b) => a.position - b.position) };
  },
  render: ({ order, events }) =>
    order
      ? [
          head(
            `Order ${order.number}`,
            h("div", { class: "badges", id: "states" }, states(order).map(badge)),
            h("p", { class: "buttons", id: "steps" }, steps(order)),
          ),
          h(
            "div",
            { class: "columns" },
            h("div", null, goods(order), parcels(order), payments(order), notifications(order)),
            h("div", null, details(order), notes(order), history(events)),
          ),
        ]
      : head("There is no such order."),
};

/** The three states of the order, without repetitions. */
const states = ({ status, paymentState, fulfilmentState }) =>
  [...new Set([status, paymentState, fulfilmentState])].filter((state) => state !== "NONE");

const sum = (lines, name) => lines.reduce((units, line) => units + line[name], 0);

/** The actions that may be possible now. The server decides whether they are. */
function steps({ id, lines, status, shipments }) {
  const orderId = id;
  const unshipped = sum(lines, "quantity") > sum(lines, "shipped");
  const isUnderWay = ["PROCESSING", "SHIPPED"].includes(status);
  const input = () => ({ orderId });
  return [
    status === "PAID" &&
      action("Start processing", "orderProcessingStart", { input, primary: true }),
    isUnderWay && unshipped && ship(orderId, lines),
    sum(lines, "shipped") > sum(lines, "delivered") &&
      action("Mark as delivered", "orderDeliver", { input, primary: true }),
    sum(lines, "returnRequested") > 0 && accept(orderId),
    ["PENDING", "PAID", "PROCESSING"].includes(status) && shipments.length === 0 && cancel(orderId),
  ];
}

function ship(orderId, lines) {
  const open = lines.filter(({ quantity, shipped }) => quantity > shipped);
  const units = open.map(({ sku, name, quantity, shipped }) => ({
    name: `units.${sku}`,
    label: `Units of ${name}`,
    type: "number",
    min: 0,
    max: quantity - shipped,
    value: quantity - shipped,
  }));
  return action("Ship", "orderShip", {
    primary: true,
    fields: [
      { name: "carrier", label: "Carrier" },
      { name: "trackingNumber", label: "Tracking number" },
      { name: "estimatedDelivery", label: "Expected on", type: "date" },
      ...units,
    ],
    input: ({ carrier, trackingNumber, estimatedDelivery, ...values }) => ({
      orderId,
      carrier: given(carrier),
      trackingNumber: given(trackingNumber),
      estimatedDelivery: estimatedDelivery ? `${estimatedDelivery}T12:00:00Z` : null,
      lines: open
        .map(({ sku }) => ({ sku, quantity: Number(values[`units.${sku}`]) }))
        .filter(({ quantity }) => quantity !== 0),
    }),
  });
}

const accept = (orderId) =>
  action("Accept the return", "orderReturnAccept", {
    primary: true,
    fields: [
      {
        name: "restocking",
        label: "The goods",
        options: [
          ["RESTOCKED", "go back on the shelf"],
          ["WRITTEN_OFF", "are written off"],
        ],
      },
    ],
    input: ({ restocking }) => ({ orderId, restocking }),
  });

const cancel = (orderId) =>
  action("Cancel", "orderCancel", {
    note: "Its stock is released, and money that was paid is refunded.",
    fields: [{ name: "reason", label: "Why? (optional)" }],
    input: ({ reason }) => ({ orderId, reason: given(reason) }),
  });

function goods({ lines, subtotal, discount, couponCode, shipping, tax, total }) {
  return h(
    "section",
    { class: "sheet" },
    h("h2", null, "Goods"),
    table(
      [
        ["SKU", ({ sku }) => h("a", { href: `#/inventory/${sku}`, class: "mono" }, sku)],
        ["Name", ({ name }) => name],
        ["Units", ({ quantity }) => quantity, "number"],
        [
          "Shipped",
          ({ shipped, delivered }) =>
            `${shipped}${delivered > 0 ? `, ${delivered} delivered` : ""}`,
          "number",
        ],
        [
          "Returned",
          ({ returned, returnRequested }) =>
            `${returned}${returnRequested > 0 ? `, ${returnRequested} requested` : ""}`,
          "number",
        ],
        ["Total", ({ total }) => money(total), "number"],
      ],
      lines,
    ),
    h("p"),
    facts(
      ["Goods", money(subtotal)],
      [
        couponCode ? `Discount (${couponCode})` : "Discount",
        isNothing(discount) ? null : `− ${money(discount)}`,
      ],
      ["Shipping", money(shipping)],
      ["Tax", money(tax)],
      ["Total", h("strong", null, money(total))],
    ),
  );
}

function parcels({ shipments }) {
  const parcel = ({ carrier, trackingNumber, estimatedDelivery, shippedAt, lines }) =>
    facts(
      ["Sent", time(shippedAt)],
      ["Carrier", carrier],
      ["Tracking number", trackingNumber],
      ["Expected", estimatedDelivery && day(estimatedDelivery)],
      ["Contents", lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(", ")],
    );
  return (
    shipments.length > 0 &&
    h("section", { class: "sheet" }, h("h2", null, "Parcels"), shipments.map(parcel))
  );
}

function payments({ payments }) {
  const none = h("p", { class: "faint" }, "No payment yet.");
  return h(
    "section",
    { class: "sheet" },
    h("h2", null, "Payments"),
    payments.length > 0 ? payments.map(payment) : none,
  );
}

function notifications({ notifications }) {
  return (
    notifications.length > 0 &&
    h("section", { class: "sheet" }, h("h2", null, "Messages"), messages(notifications))
  );
}

function details({ placedAt, reservedUntil, status, cancelReason, contact, shippingAddress }) {
  const { street, city, region, postalCode, country } = shippingAddress ?? {};
  return h(
    "section",
    { class: "sheet" },
    h("h2", null, "Details"),
    facts(
      ["Placed", time(placedAt)],
      ["Reserved until", status === "PENDING" ? time(reservedUntil) : null],
      ["Cancelled", cancelReason],
      [
        "For",
        contact &&
          h(
            "span",
            null,
            contact.name,
            h("br"),
            contact.email,
            contact.phone && [h("br"), contact.phone],
          ),
      ],
      [
        "To",
        shippingAddress &&
          h(
            "span",
            null,
            street,
            h("br"),
            [postalCode, city, region].filter(Boolean).join(" "),
            h("br"),
            country,
          ),
      ],
    ),
  );
}

function notes({ id, notes }) {
  const add = action("Add a note", "orderNoteAdd", {
    fields: [{ name: "text", label: "Note" }],
    input: ({ text }) => ({ orderId: id, text }),
  });
  const note = ({ text, at }) =>
    h("p", null, text ?? "(erased)", h("br"), h("small", null, time(at)));
  return h("section", { class: "sheet" }, h("h2", null, "Notes"), notes.map(note), add);
}
