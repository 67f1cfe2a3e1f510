// The console: signing in, and one view at a time. A view is `load(route)`, which fetches data, and
// `render(data, route)`, which shows it; it is rendered again when the data has changed.

import { Failure } from "/pages/graphql.js";
import { arrive, button, fail, find, label, onSubmit, replace } from "/pages/page.js";
import { ask, desk, session } from "/console/desk.js";
import * as inventory from "/console/inventory.js";
import * as notifications from "/console/notifications.js";
import * as order from "/console/order.js";
import * as orders from "/console/orders.js";
import * as payments from "/console/payments.js";
import * as system from "/console/system.js";

const WATCH_EVERY_MS = 2_000;

/** The views by the first part of the address. `one` is used if the address has an id as its second part. */
const VIEWS = {
  orders: { list: orders.list, one: order.one },
  payments: { list: payments.list },
  inventory: { list: inventory.list, one: inventory.one },
  notifications: { list: notifications.list },
  system: { list: system.overview },
};

let shown = null;

function route() {
  const [path, query] = location.hash.slice("#/".length).split("?");
  const [tab, id] = path.split("/").map(decodeURIComponent);
  const views = Object.hasOwn(VIEWS, tab) ? VIEWS[tab] : { list: orders.list };
  const view = (id && views.one) || views.list;
  return {
    view,
    tab,
    path: path || "orders",
    id,
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** Fetches the data of the view, and renders it if it has changed. */
desk.refresh = async () => {
  const [now, { hash }] = [route(), location];
  const data = await now.view.load(now);
  const state = JSON.stringify([hash, data]);
  // The view may have changed meanwhile, or the person may have signed out.
  if (hash !== location.hash || !desk.role || state === shown) return;
  const opened = [...document.querySelectorAll("details[open]")].map(({ id }) => id);
  replace(find("view"), now.view.render(data, now));
  shown = state;
  for (const id of opened) if (find(id)) find(id).open = true;
};

async function go() {
  find("notice").replaceChildren();
  for (const link of find("tabs").children) {
    const [, tab] = link.hash.split(/[/?]/);
    const isHere = tab === (route().tab || "orders");
    isHere ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  await desk
    .refresh()
    .then(() => arrive(find("view")))
    .catch(report);
}

/** Shows an error. If the server does not accept the token any more, the person is signed out. */
function report(error) {
  const isOut = error instanceof Failure && error.code === "UNAUTHENTICATED";
  if (isOut) signOut();
  fail(error);
}

async function signIn(token) {
  session.token = token;
  const { me } = await ask("query { me { role actor } }");
  if (!["SUPPORT", "ADMIN"].includes(me.role))
    throw new Failure("FORBIDDEN", "This token is not for staff.");
  desk.role = me.role;
  find("role").textContent = label(me.role);
  find("role").title = me.actor;
  showSignedIn(true);
  await go();
}

function signOut() {
  session.token = desk.role = shown = null;
  find("view").replaceChildren();
  showSignedIn(false);
}

/** Shows either the views or the form to sign in. */
function showSignedIn(signedIn) {
  find("sign-in").hidden = signedIn;
  for (const id of ["tabs", "find-order", "who", "view"]) find(id).hidden = !signedIn;
}

/** Refreshes the view, but not under a dialog or in a hidden tab. */
async function watch() {
  const isWatched =
    document.visibilityState === "visible" && !document.querySelector("dialog[open]");
  if (desk.role && isWatched) await desk.refresh().catch(report);
  setTimeout(watch, WATCH_EVERY_MS);
}

/** Extracts the token from the pasted text, which may be quoted or begin with `Authorization: Bearer`. */
const bareToken = (text) => text.replace(/^.*\bbearer\s+/is, "").replace(/[\s"'`]/g, "");

/** Shows a button for each account that a development server on this machine offers. Other servers answer 404. */
async function offerAccounts() {
  const answer = await fetch("/console/sign-in").catch(() => null);
  if (!answer?.ok) return;
  const { roles } = await answer.json();
  const offer = (role) =>
    button(`Sign in as ${role}`, async () => {
      const answer = await fetch(`/console/sign-in/${role}`, { method: "POST" });
      if (!answer.ok) throw new Failure("UNANSWERED", "The server does not offer this account any more.");
      await signIn((await answer.json()).token);
    });
  replace(find("development"), roles.map(offer));
  find("development").hidden = false;
}

/** Completes an order number: it begins with `C-`, but people may type the digits only. */
function orderNumber(text) {
  const number = text.trim().toUpperCase();
  return /^\d+$/.test(number) ? `C-${number}` : number;
}

find("find-order").addEventListener("submit", async (event) => {
  event.preventDefault();
  find("notice").replaceChildren();
  const number = orderNumber(find("order-number").value);
  if (!number) return;
  try {
    const query = "query($number: String!) { order(number: $number) { id } }";
    const { order } = await ask(query, { number });
    if (!order) throw new Failure("NOT_FOUND", `There is no order ${number}.`);
    find("order-number").value = "";
    location.hash = `#/orders/${order.id}`;
  } catch (error) {
    report(error);
  }
});

onSubmit(find("sign-in"), async ({ token }) => {
  find("notice").replaceChildren();
  try {
    await signIn(bareToken(token));
    find("token").value = "";
  } catch (error) {
    signOut();
    throw error;
  }
});
find("sign-out").addEventListener("click", signOut);
window.addEventListener("hashchange", () => desk.role && go());
offerAccounts();
session.token ? signIn(session.token).catch(report) : showSignedIn(false);
watch();
