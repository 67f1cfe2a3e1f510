// The console: signing in, and one view at a time. A view is `load(route)`, which asks, and
// `render(data, route)`, which shows; it is shown anew when what it asks for has changed.

import { Failure } from "/pages/graphql.js";
import { arrive, fail, find, label, onSubmit, replace } from "/pages/page.js";
import { ask, desk, session } from "/console/desk.js";
import * as inventory from "/console/inventory.js";
import * as notifications from "/console/notifications.js";
import * as order from "/console/order.js";
import * as orders from "/console/orders.js";
import * as payments from "/console/payments.js";
import * as system from "/console/system.js";

const LOOK_EVERY_MS = 2_000;

/** By the first and second part of the address. */
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

/** Shows what is now so, unless that is what is shown. */
desk.refresh = async () => {
  const [now, { hash }] = [route(), location];
  const data = await now.view.load(now);
  const state = JSON.stringify([hash, data]);
  // Whoever has gone on meanwhile, or signed out, is not called back.
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
    .catch(trouble);
}

/** A token that has ended asks for another one. */
function trouble(error) {
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
  isSignedIn(true);
  await go();
}

function signOut() {
  session.token = desk.role = shown = null;
  find("view").replaceChildren();
  isSignedIn(false);
}

function isSignedIn(signedIn) {
  find("sign-in").hidden = signedIn;
  for (const id of ["tabs", "who", "view"]) find(id).hidden = !signedIn;
}

/** Nothing moves under a dialog or a page that nobody sees. */
async function look() {
  const isWatched =
    document.visibilityState === "visible" && !document.querySelector("dialog[open]");
  if (desk.role && isWatched) await desk.refresh().catch(trouble);
  setTimeout(look, LOOK_EVERY_MS);
}

onSubmit(find("sign-in"), async ({ token }) => {
  find("notice").replaceChildren();
  try {
    await signIn(token.trim());
    find("token").value = "";
  } catch (error) {
    signOut();
    throw error;
  }
});
find("sign-out").addEventListener("click", signOut);
window.addEventListener("hashchange", () => desk.role && go());
session.token ? signIn(session.token).catch(trouble) : isSignedIn(false);
look();
