// The session of the staff member, and the parts that views are made of.

import * as api from "/pages/graphql.js";
import { button, dialog, fail, h, label } from "/pages/page.js";

/** The session. The token is stored in this tab only. */
export const session = {
  get token() {
    return sessionStorage.getItem("staffToken");
  },
  set token(token) {
    token ? sessionStorage.setItem("staffToken", token) : sessionStorage.removeItem("staffToken");
  },
};

/** The state of the console, set by `console.js`. */
export const desk = {
  /** The role of the person, `SUPPORT` or `ADMIN`; null before they sign in. */
  role: null,
  /** The position of the last change made in this tab. Queries wait until their answer includes it. */
  position: null,
  /** Renders the view again if its data has changed. */
  refresh: async () => {},
};

export const ask = (query, variables = {}) =>
  api.ask(query, { position: desk.position, ...variables }, { token: session.token });

/** Runs a mutation and refreshes the view. If the refresh fails, the mutation was still executed. */
export async function change(mutation, input) {
  const { position } = await api.change(mutation, "", input, { token: session.token });
  desk.position = position ?? desk.position;
  await desk.refresh().catch(fail);
}

/**
 * A button that runs a mutation. If `fields` are given, it opens a dialog with them first. `input` makes the
 * mutation's input of the typed values, and `about` distinguishes the buttons of one mutation on a page.
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

/** The typed text, or `null` if it is empty. */
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

/** A link to an order. Its text is the number, or the end of the id while the number is unknown. */
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

/** A filter of a list. The chosen value is a part of the page's address, so that the address can be shared. */
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
  const { after, ...filters } = query;
  return h(
    "p",
    { class: "pages" },
    after && h("a", { href: address(path, filters) }, "First page"),
    hasNextPage &&
      h("a", { href: address(path, { ...filters, after: endCursor }), rel: "next" }, "Next page"),
  );
}

function address(path, query) {
  const set = Object.entries(query).filter(([, value]) => value);
  return `#/${path}${set.length > 0 ? `?${new URLSearchParams(set)}` : ""}`;
}
