// The catalogue: what there is, found by its name.

import { ask, money, MONEY } from "/pages/graphql.js";
import { button, fail, find, h } from "/pages/page.js";
import { tab } from "/shop/tab.js";

const PAGE = 24;

const PRODUCTS = `query($search: String, $after: String, $first: Int, $position: Position) {
  products(first: $first, after: $after, filter: { search: $search, active: true }, minPosition: $position) {
    nodes { sku name description price { ${MONEY} } available }
    pageInfo { hasNextPage endCursor }
  }
}`;

let asked = 0;

/** Shows what is found under the text that is searched for; `add` puts a SKU into the cart. */
export async function showProducts(add, after = null) {
  const search = find("search-text").value.trim() || null;
  const mine = (asked += 1);
  const { products } = await ask(PRODUCTS, { search, after, first: PAGE, position: tab.position });
  // Whoever types quickly gets the answer to the last question only.
  if (mine !== asked) return;
  const cards = products.nodes.map((product) => card(product, add));
  after ? find("products").append(...cards) : find("products").replaceChildren(...cards);
  const { hasNextPage, endCursor } = products.pageInfo;
  find("more-products").hidden = !hasNextPage;
  find("more-products").onclick = () => showProducts(add, endCursor).catch(fail);
  find("found").textContent = cards.length === 0 ? "Nothing of that name." : "";
}

function card({ sku, name, description, price, available }, add) {
  const toCart = button("Add", () => add(sku), { "aria-label": `Add ${name} to the cart` });
  toCart.disabled = available === 0;
  return h(
    "li",
    { class: "product sheet", "data-sku": sku },
    h("h2", null, name),
    h("p", { class: "sku" }, sku),
    description && h("p", null, description),
    h(
      "div",
      { class: "offer" },
      h("div", null, h("span", { class: "price" }, money(price)), stock(available)),
      toCart,
    ),
  );
}

function stock(available) {
  if (available === 0) return h("small", null, "Sold out");
  return available <= 20
    ? h("small", { class: "scarce" }, `Only ${available} left`)
    : h("small", null, "In stock");
}
