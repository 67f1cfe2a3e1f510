// What this tab remembers: a guest is whoever holds the token of a cart, and an order is found by the
// token of the cart that it was placed with.

export const tab = {
  /** The log's position that lists have to show: that of the last thing done here. */
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
