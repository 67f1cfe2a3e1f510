// The staff member at the console, what they may do, and the parts that views are made of.

import * as api from "/pages/graphql.js";
import { button, dialog, fail, h, label } from "/pages/page.js";

/** The token is kept with the tab, and nowhere else. */
export const session = {
  get token() {
    return sessionStorage.getItem("staffToken");
  },
  set token(token) {
    token ? sessionStorage.setItem("staffToken", token) : sessionStorage.removeItem("staffToken");
  },
};

/** Set by `console.js`. */
export const desk = {
  /** `SUPPORT` or `ADMIN`. */
  role: null,
  /** The log's position that views have to show: that of the last thing done here. */
  position: null,
  /** Renders the view again if its data has changed. */
  refresh: async () => {},
};

export const ask = (query, variables = {}) =>
  api.ask(query, { position: desk.position, ...variables }, { token: session.token });

/** Runs a mutation and refreshes the view; an error of the refresh does not undo the mutation. */
export async function change(mutation, input) {
  const { position } = await api.change(mutation, "", input, { token: session.token });
  desk.position = position ?? desk.position;
  await desk.refresh().catch(fail);
}

/**
 * A button for a mutation. With `fields` it opens a dialog first; `input` makes the mutation's input from
 * what was typed, and `about` distinguishes buttons of the same mutation on one page.
 */
export function action(text, mutation, { fields, note, primary, about, input }) {
  const id = ["do", mutation, about].filter(Boolean).join("-");
  const props = { id, type: "button", class: primary ? "primary" : null };
  if (fields) {
    const ask = () =>
      dialog(text, { text: note, fields }, (values) => change(mutation, input(values)));
    return h("button", { ...props, onclick: ask }, `${text}…`);
  }
  return button(text, () => change(mutation, input({})), props);
}

/** What was typed, or `null` if nothing was. */
export const given = (text) => text?.trim() || null;

export const head = (title, ...more) => h("div", { class: "head" }, h("h1", null, title), ...more);

/** The numbers of orders by their ids. A number never changes. */
const numbers = new Map();

/** The rows, each with the `orderNumber` of its `orderId`. */
export async function withOrderNumbers(rows) {
  const ids = new Set(rows.map(({ orderId }) => orderId).filter((id) => id && !numbers.has(id)));
  if (ids.size > 0) {
    const query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { id number } } }";
    const { nodes } = await ask(query, { ids: [...ids] });
    for (const node of nodes) if (node?.number) numbers.set(node.id, node.number);
  }
  return rows.map((row) => ({ ...row, orderNumber: numbers.get(row.orderId) }));
}

/** A link to an order, by its number; by the end of its id until the number is known. */
export const orderLink = ({ orderId, orderNumber }) =>
  orderId &&
  h("a", { href: `#/orders/${orderId}`, title: orderId }, orderNumber ?? `…${orderId.slice(-6)}`);

/** A table with a column for each `[name, cell, class]`. */
export function table(columns, rows, empty) {
  if (rows.length === 0) return h("p", { class: "faint" }, empty);
  const cells = (row) =>
    columns.map(([name, cell, kind]) => h("td", { "data-label": name, class: kind }, cell(row)));
  return h(
    "table",
    null,
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        columns.map(([name, , kind]) => h("th", { scope: "col", class: kind }, name)),
      ),
    ),
    h(
      "tbody",
      null,
      rows.map((row) => h("tr", null, cells(row))),
    ),
  );
}

/** A choice that becomes a part of the page's address, so that the address can be shared. */
export function filter(name, text, values, route) {
  const choose = ({ target }) =>
    (location.hash = address(route.path, { ...route.query, after: null, [name]: target.value }));
  const option = (value) =>
    h(
      "option",
      { value, selected: (route.query[name] ?? "") === value },
      value ? label(value) : "All",
    );
  const id = `filter-${name}`;
  return h(
    "p",
    { class: "filter" },
    h("label", { for: id }, text),
    h("select", { id, onchange: choose }, ["", ...values].map(option)),
  );
}

/** The links to the first and to the next page of a list. */
export function pages({ hasNextPage, endCursor }, { path, query }) {
  const { after, ...rest } = query;
  return h(
    "p",
    { class: "pages" },
    after && h("a", { href: address(path, rest) }, "First page"),
    hasNextPage &&
      h("a", { href: address(path, { ...rest, after: endCursor }), rel: "next" }, "Next page"),
  );
}

function address(path, query) {
  const set = Object.entries(query).filter(([, value]) => value);
  return `#/${path}${set.length > 0 ? `?${new URLSearchParams(set)}` : ""}`;
}
