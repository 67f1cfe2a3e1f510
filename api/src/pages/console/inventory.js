// Inventory: the stock of every SKU, and its changes.

import { badge, facts, h, label, time } from "/pages/page.js";
import {
  action,
  ask,
  desk,
  filter,
  given,
  head,
  orderLink,
  pages,
  table,
  withOrderNumbers,
} from "/console/desk.js";

const FIGURES = "sku onHand reserved available reorderLevel reorderQuantity low";

export const list = {
  load: ({ query: { show, after } }) =>
    ask(
      `query($low: Boolean, $after: String, $position: Position) {
      inventoryItems(first: 50, after: $after, filter: { low: $low }, minPosition: $position) {
        nodes { ${FIGURES} } pageInfo { hasNextPage endCursor }
      }
    }`,
      { after, low: show === "LOW" ? true : null },
    ),
  render: ({ inventoryItems }, route) => [
    head("Inventory", filter("show", "Show", ["LOW"], route)),
    table(
      [
        [
          "SKU",
          ({ sku }) =>
            h("a", { href: `#/inventory/${encodeURIComponent(sku)}`, class: "mono" }, sku),
        ],
        ["On hand", ({ onHand }) => onHand, "number"],
        ["Reserved", ({ reserved }) => reserved, "number"],
        ["Available", ({ available }) => available, "number"],
        ["Reorder at", ({ reorderLevel }) => reorderLevel, "number"],
        ["", ({ low }) => low && badge("LOW")],
      ],
      inventoryItems.nodes,
      route.query.show === "LOW" ? "No stock is low." : "No stock is registered.",
    ),
    pages(inventoryItems.pageInfo, route),
  ],
};

export const one = {
  load: async ({ id, query: { after } }) => {
    const { inventoryItem } = await ask(
      `query($sku: String!, $after: String, $position: Position) { inventoryItem(sku: $sku, minPosition: $position) {
      ${FIGURES} version
      ledger(first: 20, after: $after) {
        nodes { position kind quantity balance reason reference orderId actor at } pageInfo { hasNextPage endCursor }
      }
    } }`,
      { sku: id, after },
    );
    if (!inventoryItem) return { inventoryItem };
    const { ledger } = inventoryItem;
    const nodes = await withOrderNumbers(ledger.nodes);
    return { inventoryItem: { ...inventoryItem, ledger: { ...ledger, nodes } } };
  },
  render: ({ inventoryItem: item }, route) =>
    item
      ? [
          head(
            h("span", { class: "mono" }, item.sku),
            item.low && badge("LOW"),
            h("p", { class: "buttons" }, desk.role === "ADMIN" && steps(item)),
          ),
          h(
            "div",
            { class: "columns" },
            h(
              "div",
              null,
              h(
                "section",
                { class: "sheet" },
                h("h2", null, "Ledger"),
                ledger(item.ledger),
                pages(item.ledger.pageInfo, route),
              ),
            ),
            h("div", null, h("section", { class: "sheet" }, h("h2", null, "Now"), figures(item))),
          ),
        ]
      : head("No stock is registered for this SKU."),
};

const figures = ({ onHand, reserved, available, reorderLevel, reorderQuantity }) =>
  facts(
    ["On hand", String(onHand)],
    ["Reserved", String(reserved)],
    ["Available", h("strong", null, available)],
    ["Reorder at", String(reorderLevel)],
    ["Reorder", `${reorderQuantity} units`],
  );

const ledger = ({ nodes }) =>
  table(
    [
      ["When", ({ at }) => time(at)],
      ["What", ({ kind }) => label(kind)],
      ["Units", ({ quantity }) => (quantity > 0 ? `+${quantity}` : quantity), "number"],
      ["Balance", ({ balance }) => balance, "number"],
      [
        "Why",
        ({ reason, reference, orderId, orderNumber }) => [
          [reason, reference].filter(Boolean).join(", "),
          orderLink({ orderId, orderNumber }),
        ],
      ],
      ["Who", ({ actor }) => h("span", { title: actor }, actor.split(":")[0])],
    ],
    nodes,
    "There are no changes yet.",
  );

function steps({ sku, reorderLevel, reorderQuantity }) {
  const kinds = [
    ["PURCHASE", "Goods came in"],
    ["RETURN", "Goods came back"],
    ["DAMAGE", "Goods were broken or lost"],
    ["ADJUSTMENT", "The count was wrong"],
  ];
  const number = (name, text, more) => ({ name, label: text, type: "number", ...more });
  return [
    action("Adjust", "inventoryAdjust", {
      primary: true,
      fields: [
        { name: "kind", label: "What happened", options: kinds },
        number("quantity", "Units", { hint: "Negative if units leave the shelf, such as −3." }),
        { name: "reason", label: "Reason" },
        { name: "reference", label: "Reference, such as a delivery note" },
      ],
      input: ({ kind, quantity, reason, reference }) => ({
        sku,
        kind,
        quantity: Number(quantity),
        reason: given(reason),
        reference: given(reference),
      }),
    }),
    action("Set the reorder level", "inventoryReorderLevelSet", {
      fields: [
        number("reorderLevel", "Reorder at", { value: reorderLevel }),
        number("reorderQuantity", "Units to order", { value: reorderQuantity }),
      ],
      input: (values) => ({
        sku,
        reorderLevel: Number(values.reorderLevel),
        reorderQuantity: Number(values.reorderQuantity),
      }),
    }),
  ];
}
