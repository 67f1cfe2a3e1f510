// The parts of a page: elements, forms and their errors, statuses and times.
// Everything that comes from outside is inserted as text; nothing here writes markup.

import { Refusal, sentence } from "/pages/graphql.js";

/**
 * An element. Functions in `props`, such as `onclick`, become listeners, all others attributes. Props and
 * children that are `null`, `undefined` or `false` are left out.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (isNone(value)) continue;
    if (typeof value === "function") element.addEventListener(name.slice("on".length), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => !isNone(child)));
  return element;
}

const isNone = (value) => value === null || value === undefined || value === false;

export const find = (id) => document.getElementById(id);

/** Replaces the children of a container. The focused element keeps the focus if it has an id. */
export function replace(container, ...children) {
  const focused = container.contains(document.activeElement) && document.activeElement.id;
  container.replaceChildren(...children.flat(Infinity).filter((child) => !isNone(child)));
  if (focused) find(focused)?.focus({ preventScroll: true });
}

/** Scrolls to the top and moves the focus to this element, so that screen readers continue there. */
export function arrive(at) {
  at.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Makes a name such as `PARTIALLY_SHIPPED` readable: `Partially shipped`. */
export function label(name) {
  const words = name.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const GOOD = new Set(["PAID", "AUTHORIZED", "CAPTURED", "SHIPPED", "DELIVERED", "SENT", "OK"]);
const BAD = new Set([
  "FAILED",
  "CANCELLED",
  "EXPIRED",
  "DISPUTED",
  "UNKNOWN",
  "ABANDONED",
  "DEGRADED",
  "FAILING",
  "LOW",
]);

export function badge(status) {
  const tone = GOOD.has(status) ? "good" : BAD.has(status) ? "bad" : "plain";
  return h("span", { class: `badge ${tone}`, "data-status": status }, label(status));
}

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export const time = (iso) => h("time", { datetime: iso, title: iso }, WHEN.format(new Date(iso)));

export const day = (iso) => h("time", { datetime: iso, title: iso }, DAY.format(new Date(iso)));

/** A list of terms and values; a row without a value is left out. */
export function facts(...rows) {
  const shown = rows.filter(([, value]) => !isNone(value));
  return h(
    "dl",
    { class: "facts" },
    shown.map(([term, value]) => [h("dt", null, term), h("dd", null, value)]),
  );
}

/**
 * A field of a form. `name` is the path of its value in the mutation's input, such as `contact.email`:
 * errors that the API reports for that path are shown beside the field.
 */
export function field({ name, label, type = "text", options, hint, ...props }) {
  const id = `field-${name}`;
  const control = options
    ? h(
        "select",
        { id, name, ...props },
        options.map(([value, text]) => h("option", { value }, text)),
      )
    : h("input", { id, name, type, ...props });
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    hint && h("small", null, hint),
  );
}

/** Runs `work` when the form is submitted; errors are shown in the form. */
export function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    clearErrors(form);
    form.setAttribute("aria-busy", "true");
    try {
      await work(Object.fromEntries(new FormData(form)));
    } catch (error) {
      showErrors(form, error);
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

function clearErrors(form) {
  for (const note of form.querySelectorAll(".error")) note.remove();
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

/** Shows each error beside its field, and errors without a field at the end of the form. */
function showErrors(form, error) {
  const all = error instanceof Refusal ? error.errors : [error];
  const errors = all.map((one) => [controlOf(form, one), sentence(one.message)]);
  const marked = errors.filter(([control]) => control);
  const others = errors.filter(([control]) => !control).map(([, text]) => text);
  for (const [control, text] of marked) showError(control, text);
  if (marked.length > 1) others.push("Please correct the marked fields.");
  if (others.length > 0) form.append(h("p", { class: "error", role: "alert" }, others.join(" ")));
  marked[0]?.[0].focus();
}

/** Finds the control that an error is about. The error's path begins with `input`, which is left out. */
function controlOf(form, { path = [] }) {
  const control = form.elements.namedItem(path.slice(1).join("."));
  return control instanceof HTMLElement ? control : null;
}

function showError(control, text) {
  const id = `${control.id}-error`;
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", id);
  control.parentElement.append(h("p", { class: "error", id }, text));
}

/** Shows an error at the bottom of the page, where there is no form for it. */
export function fail(error) {
  const close = () => find("notice").replaceChildren();
  const closer = h("button", { type: "button", class: "quiet", onclick: close }, "Close");
  const notice = h("div", { class: "notice" }, h("span", null, error.message), closer);
  find("notice").replaceChildren(notice);
}

/** A button that runs `work`, one run at a time. */
export function button(text, work, props) {
  const element = h("button", { type: "button", ...props }, text);
  element.addEventListener("click", async () => {
    element.disabled = true;
    try {
      await work();
    } catch (error) {
      fail(error);
    } finally {
      element.disabled = false;
    }
  });
  return element;
}

/** Opens a dialog with these fields and runs `work` with what was typed. */
export function dialog(title, { text, fields = [], submit = title }, work) {
  const form = h(
    "form",
    { novalidate: true },
    h("h2", null, title),
    text && h("p", null, text),
    fields.map(field),
    h("p", { class: "buttons" }, h("button", { class: "primary" }, submit), closer("Back")),
  );
  onSubmit(form, async (values) => {
    await work(values);
    form.closest("dialog").close();
  });
  open(title, form);
}

/** Shows content in a dialog that can only be closed. */
export function showInDialog(title, ...content) {
  open(title, h("div", null, h("h2", null, title), content, closer("Close")));
}

const closer = (text) =>
  h("button", { type: "button", onclick: ({ target }) => target.closest("dialog").close() }, text);

function open(title, content) {
  const box = h("dialog", { onclose: () => box.remove(), "aria-label": title }, content);
  document.body.append(box);
  box.showModal();
}
