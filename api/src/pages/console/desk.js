// Who sits at the console, what they may do, and the parts that its views are made of.

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
  /** Shows the view anew. */
  refresh: async () => {},
};

export const ask = (query, variables = {}) =>
  api.ask(query, { position: desk.position, ...variables }, { token: session.token });

/** What was done stays done, whether or not it can be shown at once. */
export async function change(mutation, input) {
  const { position } = await api.change(mutation, "", input, { token: session.token });
  desk.position = position ?? desk.position;
  await desk.refresh().catch(fail);
}

/**
 * A button for a mutation. With `fields` it asks first; `input` makes the mutation's input of what was
 * typed, and `about` tells it from others of its kind on the page.
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

/** What was typed, or `null` where nothing was. */
export const given = (text) => text?.trim() || null;

export const head = (title, ...more) => h("div", { class: "head" }, h("h1", null, title), ...more);

/** An order by the end of its id, where its number is not known. */
export const orderLink = ({ orderId }) =>
  orderId &&
  h("a", { href: `#/orders/${orderId}`, class: "mono", title: orderId }, `…${orderId.slice(-6)}`);

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

/** A choice that becomes a part of the page's address, so that it can be sent to somebody. */
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

/** The ways to the first and to the next page of a list. */
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
