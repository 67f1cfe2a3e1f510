// An order as its buyer sees it: its status, its payments and its cancellation.

import { ask, change, isNothing, money, MONEY } from "/pages/graphql.js";
import {
  arrive,
  badge,
  day,
  dialog,
  facts,
  field,
  find,
  h,
  label,
  onSubmit,
  replace,
  time,
} from "/pages/page.js";

const REFRESH_EVERY_MS = 1_000;

const ORDER = `query($id: ID!, $position: Position) { order(id: $id, minPosition: $position) {
  id number status paymentState placedAt reservedUntil cancelReason
  contact { name email phone } shippingAddress { street city region postalCode country }
  lines { sku name quantity total { ${MONEY} } }
  subtotal { ${MONEY} } discount { ${MONEY} } shipping { ${MONEY} } tax { ${MONEY} } total { ${MONEY} }
  payments { id status method amount { ${MONEY} } refunded { ${MONEY} } failure actionUrl }
  shipments { id carrier trackingNumber estimatedDelivery shippedAt }
} }`;

/** The scenarios of the simulated payment provider: its token, and the text for people. */
const SCENARIOS = [
  ["tok_success", "A card that is accepted"],
  ["tok_declined", "A card that is declined"],
  ["tok_requires_action", "A card whose bank wants a confirmation first"],
  ["tok_timeout", "A provider that does not answer in time"],
  ["tok_duplicate_webhooks", "A provider that sends every webhook several times"],
  ["tok_out_of_order", "A provider that sends its webhooks in the wrong order"],
  ["CASH_ON_DELIVERY", "Cash on delivery"],
];

const STEPS = ["PENDING", "PAID", "PROCESSING", "SHIPPED", "DELIVERED"];

/** The statuses of payments that have ended without success. Another payment can be started after them. */
const ENDED = new Set(["FAILED", "CANCELLED", "EXPIRED"]);

/** The id of the order on screen. */
let current = null;
/** The order that was rendered last, as JSON. */
let shown = null;
let timer = null;

/** Shows the order with this id to `guest`, and refreshes it until `leaveOrder` is called. */
export async function showOrder(id, guest, position) {
  current = id;
  await refresh(id, guest, position);
  scheduleRefresh(id, guest);
}

export function leaveOrder() {
  clearTimeout(timer);
  current = shown = null;
}

/** Refreshes the order in regular intervals, but not while the tab is hidden. A failed refresh is only logged. */
function scheduleRefresh(id, guest) {
  if (current !== id) return;
  timer = setTimeout(async () => {
    if (document.visibilityState === "visible") await refresh(id, guest).catch(console.warn);
    scheduleRefresh(id, guest);
  }, REFRESH_EVERY_MS);
}

async function refresh(id, guest, position = null) {
  const { order } = await ask(ORDER, { id, position }, guest);
  if (current !== id) return;
  if (order) render(order, guest, (at) => refresh(id, guest, at).catch(console.warn));
  else find("order-content").replaceChildren(h("p", null, "There is no such order in this tab."));
}

/** Renders the order if it has changed. Otherwise the page stays, with what the person has typed. */
function render(order, guest, reload) {
  const state = JSON.stringify(order);
  if (state === shown) return;
  const isNew = shown === null;
  shown = state;
  find("order-title").textContent = `Order ${order.number}`;
  replace(
    find("order-content"),
    steps(order),
    h(
      "div",
      { class: "order" },
      h("div", null, payment(order, guest, reload), parcels(order), goods(order)),
      aside(order, guest, reload),
    ),
  );
  if (isNew) arrive(find("order-title"));
}

function steps({ status }) {
  const reached = STEPS.indexOf(status);
  const statusLine = h("p", { role: "status" }, badge(status));
  if (reached < 0) return statusLine;
  const step = (name, n) =>
    h(
      "li",
      { class: n <= reached ? "done" : "", "aria-current": n === reached ? "step" : null },
      n === 0 ? "Placed" : label(name),
    );
  return h("div", null, statusLine, h("ol", { class: "steps" }, STEPS.map(step)));
}

function payment(order, guest, reload) {
  const open = order.payments.some(({ status }) => !ENDED.has(status));
  const isPayable = order.status === "PENDING" && !open;
  return h(
    "section",
    { class: "sheet", "aria-label": "Payment" },
    h("h2", null, "Payment"),
    order.payments.map(attempt),
    order.payments.some(({ status }) => status === "UNKNOWN") &&
      h(
        "p",
        { class: "faint" },
        "The payment provider has not answered yet. The shop sends the request again.",
      ),
    isPayable && payForm(order, guest, reload),
    !isPayable &&
      order.payments.length === 0 &&
      h("p", { class: "faint" }, "There is nothing to pay."),
  );
}

function attempt({ status, method, amount, refunded, failure, actionUrl }) {
  const notes = [
    failure && label(failure),
    !isNothing(refunded) && `${money(refunded)} refunded`,
  ].filter(Boolean);
  const confirm =
    status === "REQUIRES_ACTION" &&
    isWeb(actionUrl) &&
    h("a", { href: actionUrl, rel: "noopener" }, "Confirm it with your bank");
  return h(
    "p",
    null,
    `${money(amount)}, ${label(method)} `,
    badge(status),
    " ",
    h("small", null, notes.join(", ")),
    " ",
    confirm,
  );
}

/** Whether a link leads to a web page. A link of another kind could run a script in this page. */
const isWeb = (url) => /^https?:\/\//.test(url ?? "");

function payForm({ id, total, reservedUntil }, guest, reload) {
  const form = h(
    "form",
    { id: "pay-form", novalidate: true },
    h("p", { class: "faint" }, "The goods are reserved for you until ", time(reservedUntil), "."),
    field({ name: "token", label: "Pay with (simulated)", options: SCENARIOS }),
    h("p", { class: "buttons" }, h("button", { class: "primary" }, `Pay ${money(total)}`)),
  );
  onSubmit(form, async ({ token }) => {
    const isCash = token === "CASH_ON_DELIVERY";
    const means = isCash ? { method: token } : { method: "CARD", token };
    const { position } = await change(
      "paymentStart",
      "payment { id }",
      { orderId: id, ...means },
      guest,
    );
    await reload(position);
  });
  return form;
}

function parcels({ shipments }) {
  const parcel = ({ carrier, trackingNumber, estimatedDelivery, shippedAt }) =>
    facts(
      ["Sent", time(shippedAt)],
      ["By", carrier],
      ["Tracking number", trackingNumber],
      ["Expected", estimatedDelivery && day(estimatedDelivery)],
    );
  return (
    shipments.length > 0 &&
    h("section", { class: "sheet" }, h("h2", null, "Shipped"), shipments.map(parcel))
  );
}

function goods({ lines, subtotal, discount, shipping, tax, total }) {
  const line = ({ name, quantity, total }) =>
    h(
      "li",
      null,
      h("span", null, `${quantity} × ${name}`),
      h("span", { class: "sum" }, money(total)),
    );
  const sums = facts(
    ["Goods", money(subtotal)],
    ["Discount", isNothing(discount) ? null : `− ${money(discount)}`],
    ["Shipping", isNothing(shipping) ? "free" : money(shipping)],
    ["Tax", money(tax)],
    ["Total", h("strong", null, money(total))],
  );
  return h(
    "section",
    { class: "sheet" },
    h("h2", null, "What you ordered"),
    h("ul", { class: "lines" }, lines.map(line)),
    sums,
  );
}

function aside({ id, status, placedAt, cancelReason, contact, shippingAddress }, guest, reload) {
  const cancel = () =>
    dialog(
      "Cancel this order?",
      {
        text: "Money that was paid is refunded.",
        fields: [{ name: "reason", label: "Why? (optional)" }],
        submit: "Cancel the order",
      },
      async ({ reason }) => {
        const { position } = await change(
          "orderCancel",
          "order { id }",
          { orderId: id, reason: reason.trim() || null },
          guest,
        );
        await reload(position);
      },
    );
  const { street, city, region, postalCode, country } = shippingAddress ?? {};
  return h(
    "aside",
    { class: "sheet" },
    h("h2", null, "Details"),
    facts(
      ["Placed", time(placedAt)],
      ["For", contact && h("span", null, contact.name, h("br"), contact.email)],
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
      ["Cancelled", cancelReason],
    ),
    h(
      "p",
      { class: "buttons" },
      h("a", { class: "button", href: "#/" }, "Back to the shop"),
      ["PENDING", "PAID"].includes(status) &&
        h("button", { id: "cancel", type: "button", onclick: cancel }, "Cancel the order"),
    ),
  );
}
