// The demo shop: shows one part at a time, and has the checkout form. The other parts are in files of their own.

import { change } from "/pages/graphql.js";
import { arrive, fail, field, find, h, onSubmit } from "/pages/page.js";
import { addToCart, edit, showCart, showPlacedOrder, total } from "/shop/cart.js";
import { showProducts } from "/shop/catalogue.js";
import { leaveOrder, showOrder } from "/shop/order.js";
import { guest, tab } from "/shop/tab.js";

const COUNTRIES = "AU CA DE ES FR GB IE IN IT JP KW NL SE US".split(" ");
const NAMES = new Intl.DisplayNames(["en"], { type: "region" });

/** The fields: the path in the input of `orderPlace`, the label, and the name for the browser's autocompletion. */
const CONTACT = [
  ["contact.name", "Name", "name"],
  ["contact.email", "E-mail", "email"],
  ["contact.phone", "Phone (optional)", "tel"],
];
const ADDRESS = [
  ["shippingAddress.street", "Street and house", "address-line1"],
  ["shippingAddress.city", "Town", "address-level2"],
  ["shippingAddress.region", "Region (optional)", "address-level1"],
  ["shippingAddress.postalCode", "Postal code (optional)", "postal-code"],
];

function buildCheckout() {
  const typed = ([name, label, autocomplete]) => field({ name, label, autocomplete });
  const names = COUNTRIES.map((code) => [code, NAMES.of(code)]);
  const options = names.sort(([, a], [, b]) => a.localeCompare(b));
  const chosen = { name: "shippingAddress.country", label: "Country", autocomplete: "country" };
  find("contact-fields").append(h("div", { class: "fields" }, CONTACT.map(typed)));
  find("address-fields").append(
    h("div", { class: "fields" }, ADDRESS.map(typed), field({ ...chosen, options })),
  );
  const country = find("field-shippingAddress.country");
  country.value = "US";
  country.addEventListener("change", () => showCart().catch(fail));
}

/** Places the order. The shown total is sent with it, so that the server refuses the order if the total has changed. */
async function placeOrder(values) {
  const text = (name) => values[name].trim();
  const optional = (name) => text(name) || null;
  const input = {
    contact: {
      name: text("contact.name"),
      email: text("contact.email"),
      phone: optional("contact.phone"),
    },
    shippingAddress: {
      street: text("shippingAddress.street"),
      city: text("shippingAddress.city"),
      region: optional("shippingAddress.region"),
      postalCode: optional("shippingAddress.postalCode"),
      country: text("shippingAddress.country"),
    },
    expectedTotal: total && { amount: total.amount, currency: total.currency },
  };
  try {
    const payload = await change("orderPlace", "order { id number }", input, guest());
    tab.position = payload.position;
    showPlacedOrder(payload.order);
  } catch (error) {
    await showCart().catch(fail);
    throw error;
  }
}

const ROUTES = [
  [/^#\/checkout$/, () => show("checkout")],
  [/^#\/order\/([\w-]+)$/, (id) => show("order", id)],
  [/^/, () => show("catalogue")],
];

async function route() {
  find("notice").replaceChildren();
  leaveOrder();
  const [pattern, go] = ROUTES.find(([pattern]) => pattern.test(location.hash));
  await go(...location.hash.match(pattern).slice(1)).catch(fail);
}

async function show(part, id) {
  for (const name of ["catalogue", "checkout", "order"]) find(name).hidden = name !== part;
  find("buying").hidden = part === "order";
  if (part === "order") {
    const { cartToken } = tab.orders.find((order) => order.id === id) ?? {};
    await showOrder(id, { cartToken }, tab.position);
  }
  await Promise.all([part === "catalogue" && showProducts(addToCart), showCart()]);
  if (part === "checkout") arrive(find("checkout-title"));
}

buildCheckout();
onSubmit(find("checkout-form"), placeOrder);
onSubmit(find("coupon-form"), async ({ code }) => {
  await edit("cartCouponApply", { code });
  find("coupon-code").value = "";
});
find("search").addEventListener("submit", (event) => event.preventDefault());
find("search-text").addEventListener("input", () => {
  if (find("catalogue").hidden) location.hash = "#/";
  showProducts(addToCart).catch(fail);
});
find("to-cart").addEventListener("click", () => {
  if (find("buying").hidden) location.hash = "#/";
  find("cart").scrollIntoView({ behavior: "smooth" });
  find("cart-title").focus({ preventScroll: true });
});
window.addEventListener("hashchange", route);
route();
