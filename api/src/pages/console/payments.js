// The list of payments, and one payment with its actions.

import { isNothing, minorUnits, money, MONEY } from "/pages/graphql.js";
import { badge, facts, h, label, time } from "/pages/page.js";
import {
  action,
  ask,
  filter,
  given,
  head,
  orderLink,
  pages,
  table,
  withOrderNumbers,
} from "/console/desk.js";

const STATUSES = [
  "PENDING",
  "REQUIRES_ACTION",
  "PROCESSING",
  "AUTHORIZED",
  "PARTIALLY_CAPTURED",
  "CAPTURED",
  "PARTIALLY_REFUNDED",
  "REFUNDED",
  "FAILED",
  "CANCELLED",
  "EXPIRED",
  "DISPUTED",
  "UNKNOWN",
];

export const PAYMENT = `id orderId status method captureMode reference failure needsAttention createdAt authorizationExpiresAt
  amount { ${MONEY} } authorized { ${MONEY} } captured { ${MONEY} } capturePending { ${MONEY} } voided { ${MONEY} }
  refunded { ${MONEY} } refundPending { ${MONEY} }`;

export const list = {
  load: async ({ query: { show, status, after } }) => {
    const { payments } = await ask(
      `query($filter: PaymentFilter, $after: String, $position: Position) {
      payments(first: 20, after: $after, filter: $filter, minPosition: $position) {
        nodes { ${PAYMENT} } pageInfo { hasNextPage endCursor }
      }
    }`,
      { after, filter: { status, needsAttention: show === "NEEDS_ATTENTION" ? true : null } },
    );
    return { payments: { ...payments, nodes: await withOrderNumbers(payments.nodes) } };
  },
  render: ({ payments }, route) => [
    head(
      "Payments",
      h(
        "div",
        { class: "buttons" },
        filter("show", "Show", ["NEEDS_ATTENTION"], route),
        filter("status", "Status", STATUSES, route),
      ),
    ),
    table(
      [
        ["Order", orderLink],
        ["Started", ({ createdAt }) => time(createdAt)],
        ["Status", ({ status }) => badge(status)],
        ["Method", ({ method }) => label(method)],
        ["Amount", ({ amount }) => money(amount), "number"],
        ["Captured", ({ captured }) => money(captured), "number"],
        ["Refunded", ({ refunded }) => money(refunded), "number"],
        ["Attention", ({ needsAttention }) => needsAttention ?? "–"],
      ],
      payments.nodes,
      emptyText(route.query),
    ),
    pages(payments.pageInfo, route),
  ],
};

/** The text of an empty list. */
function emptyText({ show, status }) {
  if (show === "NEEDS_ATTENTION") return "No payment needs attention.";
  return status ? "No payment has this status." : "No payments.";
}

/** One payment with the actions that are possible. */
export function payment(payment) {
  const { status, method, captureMode, reference, failure, needsAttention, createdAt } = payment;
  const sums = [
    ["Authorized", "authorized"],
    ["Captured", "captured"],
    ["Capture pending", "capturePending"],
    ["Voided", "voided"],
    ["Refunded", "refunded"],
    ["Refund pending", "refundPending"],
  ];
  return h(
    "div",
    { class: "payment" },
    h(
      "p",
      null,
      h("strong", null, money(payment.amount)),
      ` ${label(method)}, `,
      time(createdAt),
      " ",
      badge(status),
    ),
    needsAttention && h("p", { class: "error" }, needsAttention),
    facts(
      ...sums.map(([term, name]) => [term, isNothing(payment[name]) ? null : money(payment[name])]),
      ["Capture", captureMode === "MANUAL" ? "manual" : null],
      [
        "Authorization ends",
        status === "AUTHORIZED" && payment.authorizationExpiresAt
          ? time(payment.authorizationExpiresAt)
          : null,
      ],
      ["Failure", failure],
      ["Provider's reference", reference && h("code", null, reference)],
    ),
    h("p", { class: "buttons" }, steps(payment)),
  );
}

function steps({
  id,
  needsAttention,
  authorized,
  captured,
  capturePending,
  voided,
  refunded,
  refundPending,
}) {
  const figure = ({ amount }) => BigInt(amount);
  const open = figure(authorized) - figure(captured) - figure(capturePending) - figure(voided);
  const refundable = figure(captured) - figure(refunded) - figure(refundPending);
  const whole = { input: () => ({ paymentId: id }), about: id };
  return [
    open > 0n && action("Capture", "paymentCapture", amountDialog(id, authorized)),
    open > 0n &&
      action("Void", "paymentVoid", {
        ...whole,
        fields: [],
        note: "The authorization is released; the customer pays nothing.",
      }),
    refundable > 0n && action("Refund", "paymentRefund", amountDialog(id, captured)),
    needsAttention && action("Mark as resolved", "paymentAttentionResolve", whole),
  ];
}

/** The dialog for an action on the whole remaining amount or on a part of it. */
function amountDialog(paymentId, { currency, exponent }) {
  return {
    about: paymentId,
    fields: [
      {
        name: "amount",
        label: `Amount in ${currency}`,
        hint: "Leave this empty for the whole remaining amount.",
        inputmode: "decimal",
      },
    ],
    input: ({ amount }) => ({
      paymentId,
      amount: given(amount) && { amount: minorUnits(amount, exponent), currency },
    }),
  };
}
