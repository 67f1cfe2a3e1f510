// The cart: its lines, and what an order for it would cost.

import { ask, change, isNothing, money, MONEY } from "/pages/graphql.js";
import { button, facts, fail, find, h, replace } from "/pages/page.js";
import { guest, tab } from "/shop/tab.js";

/** The total of the estimate that is shown; null if none is. */
export let total = null;

const CART = `query($country: String!, $position: Position) { cart(minPosition: $position) {
  status orderId itemCount couponCode
  lines { sku quantity unitPrice { ${MONEY} } currentUnitPrice { ${MONEY} } total { ${MONEY} } product { name } }
  estimate(country: $country) {
    couponProblem subtotal { ${MONEY} } discount { ${MONEY} } shipping { ${MONEY} } tax { ${MONEY} } total { ${MONEY} }
  }
} }`;

export async function addToCart(sku) {
  if (!tab.cartToken) tab.cartToken = (await change("cartCreate", "token", {})).token;
  await edit("cartLinesAdd", { lines: [{ sku, quantity: 1 }] });
}

/** Changes the cart and shows it again, even if the change has failed. */
export async function edit(mutation, input) {
  try {
    const { position } = await change(mutation, "", input, guest());
    tab.position = position ?? tab.position;
  } finally {
    await showCart().catch(fail);
  }
}

/** Loads the guest's cart. The tab drops a token that the server does not accept or whose cart does not exist. */
async function loadCart() {
  if (!tab.cartToken) return null;
  const country = find("field-shippingAddress.country").value;
  const answer = ask(CART, { country, position: tab.position }, guest());
  const { cart } = await answer.catch((failure) => {
    if (failure.code !== "UNAUTHENTICATED") throw failure;
    return { cart: null };
  });
  if (!cart) tab.cartToken = null;
  return cart;
}

export async function showCart() {
  const cart = await loadCart();
  if (cart?.orderId) return showPlacedOrder({ id: cart.orderId });
  total = cart?.estimate?.total ?? null;
  const lines = cart?.lines ?? [];
  find("cart-count").textContent = cart?.itemCount ?? 0;
  replace(
    find("cart-content"),
    lines.length > 0
      ? h("ul", { class: "lines" }, lines.map(line))
      : h("p", { class: "faint" }, "Your cart is empty."),
  );
  find("estimate").replaceChildren(...estimate(cart));
  find("coupon-form").hidden = lines.length === 0 || Boolean(cart.couponCode);
  find("to-checkout").hidden = lines.length === 0 || !find("checkout").hidden;
  find("past-orders").replaceChildren(...pastOrders());
}

function line({ sku, quantity, unitPrice, currentUnitPrice, total, product }) {
  const name = product?.name ?? sku;
  const set = (units) => edit("cartLinesUpdate", { lines: [{ sku, quantity: units }] });
  const type = () => set(Number(input.value)).catch(fail);
  const input = h("input", {
    id: `quantity-${sku}`,
    type: "number",
    min: 1,
    max: 10000,
    value: quantity,
    "aria-label": `Quantity of ${name}`,
    onchange: type,
  });
  const step = (text, units, what) =>
    button(text, () => set(units), { id: `${text}-${sku}`, "aria-label": `${what} of ${name}` });
  return h(
    "li",
    { "data-sku": sku },
    h("div", null, name, repriced(unitPrice, currentUnitPrice)),
    h("span", { class: "sum" }, money(total)),
    h(
      "div",
      { class: "quantity" },
      step("−", quantity - 1, "One less"),
      input,
      step("+", quantity + 1, "One more"),
    ),
    button("Remove", () => edit("cartLinesRemove", { skus: [sku] }), {
      class: "quiet",
      "aria-label": `Remove ${name}`,
    }),
  );
}

function repriced(then, now) {
  if (!now) return h("small", { class: "error" }, " No longer sold");
  return then.amount === now.amount
    ? null
    : h("small", null, ` ${money(now)} now, ${money(then)} before`);
}

function estimate(cart) {
  if (!cart?.estimate) return [];
  const { couponProblem, subtotal, discount, shipping, tax, total } = cart.estimate;
  const remove = button("Remove", () => edit("cartCouponRemove", {}), {
    class: "quiet",
    "aria-label": "Remove the coupon",
  });
  return [
    cart.couponCode && h("p", null, "Coupon ", h("code", null, cart.couponCode), " ", remove),
    couponProblem && h("p", { class: "error" }, couponProblem),
    facts(
      ["Goods", money(subtotal)],
      ["Discount", isNothing(discount) ? null : `− ${money(discount)}`],
      ["Shipping", isNothing(shipping) ? "free" : money(shipping)],
      ["Tax", money(tax)],
      ["Total", h("strong", { id: "total" }, money(total))],
    ),
  ].filter(Boolean);
}

function pastOrders() {
  const orders = tab.orders.map(({ id, number }) =>
    h("li", null, h("a", { href: `#/order/${id}` }, `Order ${number ?? ""}`)),
  );
  return orders.length > 0 ? [h("h3", null, "Your orders"), h("ul", null, orders)] : [];
}

/** Shows the order that was placed with the cart. The next product goes into a new cart. */
export function showPlacedOrder({ id, number }) {
  tab.orders = [
    ...tab.orders.filter((order) => order.id !== id),
    { id, number, cartToken: tab.cartToken },
  ];
  tab.cartToken = null;
  location.hash = `#/order/${id}`;
}
