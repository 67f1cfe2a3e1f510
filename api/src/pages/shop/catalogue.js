// The catalogue: lists products and searches them by name.

import { ask, money, MONEY } from "/pages/graphql.js";
import { button, fail, find, h } from "/pages/page.js";
import { tab } from "/shop/tab.js";

const PAGE_SIZE = 24;

const PRODUCTS = `query($search: String, $after: String, $first: Int, $position: Position) {
  products(first: $first, after: $after, filter: { search: $search, active: true }, minPosition: $position) {
    nodes { sku name description price { ${MONEY} } available }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** The number of the latest search. */
let latestSearch = 0;

/** Shows the products that match the typed text. `add` puts a SKU into the cart. */
export async function showProducts(add, after = null) {
  const search = find("search-text").value.trim() || null;
  const thisSearch = (latestSearch += 1);
  const { products } = await ask(PRODUCTS, { search, after, first: PAGE_SIZE, position: tab.position });
  // The person has typed more meanwhile, so this answer is out of date.
  if (thisSearch !== latestSearch) return;
  const cards = products.nodes.map((product) => card(product, add));
  after ? find("products").append(...cards) : find("products").replaceChildren(...cards);
  const { hasNextPage, endCursor } = products.pageInfo;
  find("more-products").hidden = !hasNextPage;
  find("more-products").onclick = () => showProducts(add, endCursor).catch(fail);
  find("found").textContent = cards.length === 0 ? "No product matches your search." : "";
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
