// The state of this tab. The token of a cart identifies a guest. An order is read with the token of the cart that
// it was placed with.

export const tab = {
  /** The position of the last change made in this tab. Queries wait until their answer includes it. */
  position: null,
  get cartToken() {
    return sessionStorage.getItem("cartToken");
  },
  set cartToken(token) {
    token ? sessionStorage.setItem("cartToken", token) : sessionStorage.removeItem("cartToken");
  },
  get orders() {
    return JSON.parse(sessionStorage.getItem("orders") ?? "[]");
  },
  set orders(orders) {
    sessionStorage.setItem("orders", JSON.stringify(orders));
  },
};

export const guest = () => ({ cartToken: tab.cartToken });
