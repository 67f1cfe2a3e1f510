#!/usr/bin/env python3
"""Fills a shop with a bit of everything and dumps it as the data of a release; see README.md beside this file.

    fill.py PATH-TO-CARTULARY FOLDER

It needs Python 3.9 and PostgreSQL's `psql` and `pg_dump`, and nothing else. Whatever a release before this one
already knows must stay: add to the end of a scenario, or add a scenario.
"""

import contextlib, gzip, hashlib, hmac, json, os, pathlib, re, shutil, subprocess, sys, tempfile, time
import urllib.request, uuid

# The secrets of the integration tests (api/tests/it/support.rs), so that tokens are good after a restore.
SECRETS = {
    "JWT_SECRET": "jwt of more than thirty-two bytes",
    "CARTULARY_CART_TOKEN_SECRET": "cart of more than thirty-two bytes",
    "CARTULARY_SIMULATOR_WEBHOOK_SECRET": "hook of more than thirty-two bytes",
}
# Deadlines that must not pass however late the dump is restored (a cart lasts ten years at most), and such as
# pass at once.
CENTURY, DECADE, SOON = "36500d", "3650d", "3s"
LASTING = {
    "CARTULARY_RESERVATION": CENTURY,
    "CARTULARY_RESERVATION_CAP": CENTURY,
    "CARTULARY_AUTHORIZATION": CENTURY,
    "CARTULARY_CART_IDLE": DECADE,
    "CARTULARY_PAYMENT_RETRY": "10ms",
    "CARTULARY_STAFF_MAIL": "Staff <staff@example.com>",
    "CARTULARY_TAX_RATES": "US=10.75,DE=19,*=0",
    "CARTULARY_SHIPPING": "USD=644:10000,EUR=499",
    "CARTULARY_NO_DEMO": "1",
    "CARTULARY_RATE_LIMIT": "0",
    "RUST_LOG": "warn",
}
PASSING = {
    "CARTULARY_RESERVATION": SOON,
    "CARTULARY_RESERVATION_CAP": SOON,
    "CARTULARY_AUTHORIZATION": SOON,
    "CARTULARY_CART_IDLE": SOON,
}
NO_MAIL_SERVER = {"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "Shop <shop@example.com>"}

# What makes another request of each mutation, sent under a key that was used before.
OTHER = {
    "productCreate": {"name": "Another name"},
    "productUpdate": {"name": "Another name"},
    "cartCreate": None,
    "cartMerge": None,
    "couponCreate": {"usageLimit": 77},
    "orderPlace": {"contact": {"name": "Another", "email": "another@example.org"}},
    "orderNoteAdd": {"text": "Another note"},
    "paymentStart": {"token": "tok_another"},
    "inventoryRegister": {"onHand": 77},
}


def until(what, is_so, limit=60):
    end = time.time() + limit
    while not (found := is_so()):
        if time.time() > end:
            raise TimeoutError(what() if callable(what) else what)
        time.sleep(0.05)
    return found


class Shop:
    """One database, and one server at a time."""

    def __init__(self, program):
        self.program = program
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="cartulary-fill-"))
        self.data.chmod(0o711)
        self.server = None
        self.tokens = {}
        self.keys = []
        self.names = {}

    def env(self, settings):
        known = ("CARTULARY_", "JWT_", "DATABASE_", "API_KEYS", "CORS_", "STRIPE_", "SMTP_", "MAIL_", "NATS_",
                 "OTEL_", "RUST_LOG")
        mine = {name: value for name, value in os.environ.items() if not name.startswith(known)}
        return {**mine, **LASTING, **SECRETS, **settings}

    def start(self, **settings):
        """Starts the server, in place of the one that runs, under these settings beside the lasting ones."""
        self.stop()
        command = [self.program, "--listen", "127.0.0.1:0", "--data-dir", str(self.data)]
        self.server = subprocess.Popen(command, env=self.env(settings), stdout=subprocess.PIPE, text=True)
        for line in self.server.stdout:
            if line.startswith("GraphQL"):
                self.url = re.search(r"http://[^/]+", line).group(0)
                break
        else:
            sys.exit("the server does not start")
        until("the server is ready", self.is_ready)

    def is_ready(self):
        try:
            return urllib.request.urlopen(self.url + "/health/ready").status == 200
        except OSError:
            return False

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait()
            self.server = None

    # Whoever asks: ("customer", "ada"), ("support", "desk"), ("admin", "owner"), ("guest", token) or ("stranger", "").

    def headers(self, caller):
        kind, name = caller
        if kind == "stranger":
            return {}
        if kind == "guest":
            return {"X-Cart-Token": name}
        if caller not in self.tokens:
            command = [self.program, "token", "--sub", name, "--role", kind, "--ttl", "1h"]
            command += ["--data-dir", str(self.data)]
            printed = subprocess.run(command, env=self.env({}), stdout=subprocess.PIPE, text=True, check=True)
            self.tokens[caller] = printed.stdout.strip()
        return {"Authorization": "Bearer " + self.tokens[caller]}

    def ask(self, caller, query, variables=None):
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        headers = {"Content-Type": "application/json", **self.headers(caller)}
        request = urllib.request.Request(self.url + "/graphql", body, headers)
        answer = json.load(urllib.request.urlopen(request))
        if "errors" in answer:
            sys.exit(f"{query} {variables}: {answer['errors']}")
        return answer["data"]

    def send(self, caller, mutation, selection, input):
        kind = mutation[0].upper() + mutation[1:] + "Input"
        query = (f"mutation($input: {kind}!) {{ {mutation}(input: $input) "
                 f"{{ {selection} position replayed errors {{ code message path }} }} }}")
        return self.ask(caller, query, {"input": input})[mutation]

    def do(self, caller, mutation, selection="", /, **input):
        """Sends a mutation under a key, which is recorded with all that is needed to send it again."""
        input = {**input, "idempotencyKey": str(uuid.uuid4())}
        done = self.send(caller, mutation, selection, input)
        if done["errors"]:
            sys.exit(f"{mutation} {input}: {done['errors']}")
        other = OTHER.get(mutation, {"expectedVersion": 7777})
        self.keys.append({"caller": list(caller), "mutation": mutation, "input": input, "other": other,
                          "position": done["position"]})
        return done

    def psql(self, query):
        return subprocess.run(["psql", "-XAtqc", query, self.database()], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()

    def home(self):
        return (self.data / "postgres").resolve()

    def database(self):
        pid, _, _, port, socket, *_ = (self.home() / "data/postmaster.pid").read_text().splitlines()
        password = (self.home() / "password").read_text().strip()
        return f"postgres://cartulary:{password}@localhost:{port}/cartulary?host={socket}"

    def remove(self):
        self.stop()
        for folder in {self.home(), self.data}:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def provider_silenced(self):
        """The payment provider answers, and no webhook of its ever comes."""
        self.psql("""create function simulator.hold() returns trigger language plpgsql as
                     $$ begin new.due_at := 'infinity'; return new; end $$;
                     create trigger hold before insert on simulator.webhooks
                     for each row execute function simulator.hold()""")
        yield
        self.psql("drop function simulator.hold cascade; delete from simulator.webhooks where due_at = 'infinity'")

    def webhook(self, payment, kind, cents, **data):
        """What the provider reports of a payment, signed as it signs."""
        intent = "pi_" + payment.replace("-", "")
        data = {"type": kind, "intent": intent, "payment_id": payment, "request": None, "reason": None,
                "amount": {"amount": cents, "currency": "USD"}, "object": None, **data}
        body = json.dumps({"id": "evt_" + uuid.uuid4().hex, "data": data}).encode()
        now = str(int(time.time()))
        secret = SECRETS["CARTULARY_SIMULATOR_WEBHOOK_SECRET"].encode()
        tag = hmac.new(secret, now.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Simulator-Signature": f"t={now},v1={tag}"}
        urllib.request.urlopen(urllib.request.Request(self.url + "/webhooks/simulator", body, headers))

    # Scenarios. `names` keeps the ids by which the questions ask: orders, payments, carts.

    def name(self, kind, name, id):
        self.names.setdefault(kind, {})[name] = id
        return id

    def order(self, name, buyer, *lines, **input):
        """Fills the buyer's cart and places the order."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
        self.do(buyer, "cartLinesAdd", "cart { id }", lines=lines)
        input = {"contact": CONTACT, "shippingAddress": ADDRESS, **input}
        placed = self.do(buyer, "orderPlace", "order { id cartId }", **input)["order"]
        self.name("carts", name, placed["cartId"])
        return self.name("orders", name, placed["id"])

    def pay(self, name, buyer, order, status, /, **input):
        """Starts to pay, and waits until the payment has this status."""
        payment = self.do(buyer, "paymentStart", "payment { id }", orderId=order, **input)["payment"]["id"]
        self.payment_is(payment, status)
        return self.name("payments", name, payment)

    def payment_is(self, payment, status):
        query = "query($id: ID!) { payment(id: $id) { status } }"
        seen = lambda: self.ask(DESK, query, {"id": payment})["payment"]
        until(f"payment {payment} {status}", lambda: seen() == {"status": status})

    def needs_attention(self, payment):
        query = "query($id: ID!) { payment(id: $id) { needsAttention } }"
        until("attention", lambda: self.ask(DESK, query, {"id": payment})["payment"]["needsAttention"])

    def order_is(self, order, status, money=None):
        query = "query($id: ID!) { order(id: $id) { status paymentState } }"
        def is_so():
            seen = self.ask(DESK, query, {"id": order})["order"]
            return seen and seen["status"] == status and money in (None, seen["paymentState"])
        until(f"order {status} {money}", is_so)

    def paid(self, name, buyer, *lines):
        order = self.order(name, buyer, *lines)
        payment = self.pay(name, buyer, order, "CAPTURED", token="tok_success")
        self.order_is(order, "PAID", "PAID")
        return order, payment

    def settle(self):
        """Waits until nothing that is due is left to do."""
        waiting = """
            select name from leases where (name = 'reactions' or name like 'projection:%')
                and position < (select max(position) from events)
            union all select kind from deadlines where due_at <= now() + interval '2 seconds'
            union all select body from simulator.webhooks where due_at <= now() + interval '5 seconds'
            union all select problem from inbox where processed_at is null"""
        until(lambda: f"everything is settled, but {self.psql(waiting)}", lambda: self.psql(waiting) == "")


ADA, BOB, EVE, HANK = ("customer", "ada"), ("customer", "bob"), ("customer", "eve"), ("customer", "hank")
DESK, OWNER, STRANGER = ("support", "desk"), ("admin", "owner"), ("stranger", "")
CONTACT = {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+1 617 555 0100"}
ADDRESS = {"street": "123 Main St", "city": "Boston", "region": "MA", "postalCode": "02101", "country": "US"}
BERLIN = {"street": "Unter den Linden 1", "city": "Berlin", "postalCode": "10117", "country": "DE"}


def usd(cents):
    return {"amount": str(cents), "currency": "USD"}


def catalogue(shop):
    for sku, name, cents, units, more in [
        ("MUG", "A mug", 2499, 500, {"description": "Holds tea.", "imageUrl": "https://example.org/mug.png"}),
        ("INK", "Ink, 50 ml", 899, 200, {"description": None, "imageUrl": None}),
        ("PEN", "A pen", 450, 12, {}),
        ("OLD", "An old thing", 100, 5, {}),
        ("BACK", "A thing that came back", 700, 9, {}),
        ("HELD", "A thing that is reserved", 1500, 40, {}),
        ("LATE", "A thing nobody pays for", 1000, 30, {}),
    ]:
        shop.do(OWNER, "productCreate", "product { id }", sku=sku, name=name, price=usd(cents), **more)
        if sku == "OLD":
            shop.do(OWNER, "inventoryRegister", sku=sku)
        else:
            shop.do(OWNER, "inventoryRegister", sku=sku, onHand=units, reorderLevel=2)
    shop.do(OWNER, "productCreate", sku="EURO", name="A thing for Europe", price={"amount": "1200", "currency": "EUR"})
    shop.do(OWNER, "inventoryRegister", sku="EURO", onHand=10, reorderLevel=0, reorderQuantity=5)
    shop.do(OWNER, "productUpdate", sku="INK", description="Black.", name=None)
    shop.do(OWNER, "productUpdate", sku="MUG", imageUrl="https://example.org/mug2.png", expectedVersion=None)
    shop.do(OWNER, "productReprice", sku="INK", price=usd(950))
    shop.do(OWNER, "productDiscontinue", sku="OLD")
    shop.do(OWNER, "productDiscontinue", sku="BACK")
    shop.do(OWNER, "productReinstate", sku="BACK", expectedVersion=2)
    adjust = lambda **input: shop.do(OWNER, "inventoryAdjust", "inventoryItem { onHand }", **input)
    adjust(sku="MUG", kind="PURCHASE", quantity=50, reason=None, reference="PO-1001")
    adjust(sku="MUG", kind="DAMAGE", quantity=-3, reason="dropped", reference=None)
    adjust(sku="INK", kind="ADJUSTMENT", quantity=-1, reason="counted")
    adjust(sku="INK", kind="RETURN", quantity=2, reason="found", reference="R-7", expectedVersion=None)
    adjust(sku="PEN", kind="DAMAGE", quantity=-10, reason="leaked")  # Now it is low.
    shop.do(OWNER, "inventoryReorderLevelSet", sku="INK", reorderLevel=25, reorderQuantity=100)


def coupons(shop):
    issue = lambda **input: shop.do(OWNER, "couponCreate", "coupon { code }", **input)
    issue(code="TEN", discount={"percentage": "10"}, usageLimit=100, minimum=usd(1000))
    issue(code="FIVER", discount={"amount": usd(500)}, validFrom=None, validUntil=None, minimum=None, usageLimit=None)
    issue(code="ONCE", discount={"percentage": "12.5"}, usageLimit=1)
    issue(code="GONE", discount={"percentage": "50"})
    issue(code="PAST", discount={"percentage": "20"}, validFrom="2020-01-01T00:00:00Z",
          validUntil="2021-01-01T00:00:00+01:00")
    shop.do(OWNER, "couponDisable", code="GONE")


def carts(shop):
    def guest(name):
        made = shop.do(STRANGER, "cartCreate", "cart { id } token")
        shop.name("tokens", name, made["token"])
        shop.name("carts", name, made["cart"]["id"])
        return ("guest", made["token"])
    open_ = guest("guest_open")
    shop.do(open_, "cartLinesAdd", "cart { id }", cartId=None,
            lines=[{"sku": "MUG", "quantity": 1, "expectedUnitPrice": None}, {"sku": "INK", "quantity": 3}])
    shop.do(open_, "cartLinesUpdate", lines=[{"sku": "INK", "quantity": 2}])
    shop.do(open_, "cartCouponApply", code="TEN")
    guest("guest_empty")
    cleared = guest("guest_cleared")
    shop.do(cleared, "cartLinesAdd", lines=[{"sku": "MUG", "quantity": 1, "expectedUnitPrice": usd(2499)}])
    shop.do(cleared, "cartClear")
    merged = guest("guest_merged")
    shop.do(merged, "cartLinesAdd", lines=[{"sku": "MUG", "quantity": 2}, {"sku": "INK", "quantity": 1}])
    shop.do(("customer", "carol"), "cartCreate", "cart { id }")
    shop.do(("customer", "carol"), "cartLinesAdd", lines=[{"sku": "MUG", "quantity": 1}])
    cart = shop.do(("customer", "carol"), "cartMerge", "cart { id }", cartToken=merged[1])["cart"]["id"]
    shop.name("carts", "merged_into", cart)
    shop.do(("customer", "carol"), "cartCouponApply", code="fiver", cartId=cart)
    shop.do(("customer", "carol"), "cartCouponRemove", cartId=None)
    shop.do(("customer", "carol"), "cartLinesRemove", skus=["INK"])
    # The guest buys as a guest.
    buyer = guest("guest_order")
    order = shop.order("guest", buyer, ("MUG", 1), contact={"name": "Guest", "email": "guest@example.org", "phone": None})
    shop.pay("guest", buyer, order, "CAPTURED", token="tok_success", method="CARD", capture="AUTOMATIC")
    shop.order_is(order, "PAID")


def fulfilment(shop):
    order = shop.order("pending", ADA, ("MUG", 2), ("HELD", 3))
    shop.do(ADA, "orderUpdate", "order { id }", orderId=order, contact=None, shippingAddress=BERLIN)
    shop.do(DESK, "orderNoteAdd", orderId=order, text="Rings twice.")

    total = shop.do(ADA, "cartLinesAdd", "cart { estimate(country: \"US\") { total { amount currency } } }",
                    lines=[{"sku": "HELD", "quantity": 1}])["cart"]["estimate"]["total"]
    placed = shop.do(ADA, "orderPlace", "order { id }", contact=CONTACT, shippingAddress=ADDRESS,
                     expectedTotal=total, cartId=None)["order"]["id"]
    shop.name("orders", "confirmed_cash", placed)
    shop.pay("cash", ADA, placed, "PENDING", method="CASH_ON_DELIVERY", token=None)
    shop.order_is(placed, "PAID")

    shop.paid("paid", BOB, ("MUG", 2))
    order, _ = shop.paid("processing", BOB, ("MUG", 1), ("INK", 2))
    shop.do(DESK, "orderProcessingStart", orderId=order)
    order, _ = shop.paid("partly_shipped", BOB, ("MUG", 4))
    shop.do(DESK, "orderProcessingStart", orderId=order, expectedVersion=None)
    shop.do(DESK, "orderShip", orderId=order, lines=[{"sku": "MUG", "quantity": 1}], carrier="UPS",
            trackingNumber="1Z999", estimatedDelivery="2120-05-01T12:00:00Z")
    order, _ = shop.paid("shipped", BOB, ("MUG", 3))
    shop.do(DESK, "orderProcessingStart", orderId=order)
    shop.do(DESK, "orderShip", orderId=order, lines=[], carrier=None)
    for name in ["partly_delivered", "delivered", "return_requested", "returned", "partly_returned", "refunded"]:
        order, payment = shop.paid(name, BOB, ("MUG", 2), ("INK", 1))
        shop.do(DESK, "orderProcessingStart", orderId=order)
        shop.do(DESK, "orderShip", orderId=order)
        if name == "partly_delivered":
            shop.do(DESK, "orderDeliver", orderId=order, lines=[{"sku": "MUG", "quantity": 1}])
            continue
        shop.do(DESK, "orderDeliver", orderId=order)
        if name == "return_requested":
            shop.do(BOB, "orderReturnRequest", orderId=order, lines=[{"sku": "INK", "quantity": 1}], reason="Leaks")
        if name == "partly_returned":
            shop.do(BOB, "orderReturnRequest", orderId=order, reason=None)
            shop.do(DESK, "orderReturnAccept", orderId=order, lines=[{"sku": "MUG", "quantity": 1}],
                    restocking="RESTOCKED")
            shop.do(DESK, "paymentRefund", paymentId=payment, amount=usd(2499))
            shop.payment_is(payment, "PARTIALLY_REFUNDED")
        if name == "returned":
            shop.do(BOB, "orderReturnRequest", orderId=order)
            shop.do(DESK, "orderReturnAccept", orderId=order, restocking="WRITTEN_OFF", expectedVersion=None)
        if name == "refunded":
            shop.do(DESK, "paymentRefund", paymentId=payment, amount=None)
            shop.order_is(order, "REFUNDED")
    for name, coupon in [("with_coupon", "TEN"), ("used_up_coupon", "ONCE")]:
        shop.do(EVE, "cartLinesAdd", lines=[{"sku": "MUG", "quantity": 2}])
        shop.do(EVE, "cartCouponApply", code=coupon)
        order = shop.order(name, EVE, ("INK", 1))
        shop.pay(name, EVE, order, "CAPTURED", token="tok_success")
        shop.order_is(order, "PAID", "PAID")
    order = shop.order("euro", EVE, ("EURO", 2), shippingAddress=BERLIN)
    shop.pay("euro", EVE, order, "CAPTURED", token="tok_success", method="UPI")


def cancelled(shop):
    order = shop.order("cancelled_pending", ADA, ("MUG", 1))
    shop.do(ADA, "orderCancel", orderId=order, reason=None)
    order = shop.order("cancelled_authorized", ADA, ("MUG", 1))
    payment = shop.pay("cancelled", ADA, order, "AUTHORIZED", token="tok_success", capture="MANUAL")
    shop.order_is(order, "PAID")
    shop.do(ADA, "orderCancel", orderId=order, reason="Too late")
    shop.payment_is(payment, "CANCELLED")
    order, payment = shop.paid("cancelled_paid", ADA, ("MUG", 1))
    shop.do(DESK, "orderCancel", orderId=order)
    shop.payment_is(payment, "REFUNDED")


def payments(shop):
    def manual(name, *lines):
        order = shop.order(name, ADA, *(lines or [("MUG", 2)]))
        payment = shop.pay(name, ADA, order, "AUTHORIZED", token="tok_success", capture="MANUAL")
        shop.order_is(order, "PAID")
        return order, payment
    manual("authorized")
    _, payment = manual("partly_captured")
    shop.do(DESK, "paymentCapture", paymentId=payment, amount=usd(1000))
    shop.payment_is(payment, "PARTIALLY_CAPTURED")
    _, payment = manual("captured_and_voided")
    shop.do(DESK, "paymentCapture", paymentId=payment, amount=usd(2000))
    shop.payment_is(payment, "PARTIALLY_CAPTURED")
    shop.do(DESK, "paymentVoid", paymentId=payment)
    shop.payment_is(payment, "CAPTURED")
    _, payment = manual("captured_by_hand")
    shop.do(DESK, "paymentCapture", paymentId=payment, amount=None)
    shop.payment_is(payment, "CAPTURED")
    _, payment = manual("voided")
    shop.do(DESK, "paymentVoid", paymentId=payment, expectedVersion=None)
    shop.payment_is(payment, "CANCELLED")

    order = shop.order("declined_then_paid", EVE, ("MUG", 1))
    shop.pay("declined", EVE, order, "FAILED", token="tok_declined")
    shop.pay("paid_after_decline", EVE, order, "CAPTURED", token="tok_duplicate_webhooks", method="NET_BANKING")
    order = shop.order("declined", EVE, ("HELD", 1))
    shop.pay("failed", EVE, order, "FAILED", token="tok_declined")
    order = shop.order("out_of_order", EVE, ("MUG", 1))
    shop.pay("out_of_order", EVE, order, "CAPTURED", token="tok_out_of_order")

    for name, token in [("requires_action", "tok_requires_action"), ("processing", "tok_success")]:
        order = shop.order(f"payment_{name}", EVE, ("HELD", 2))
        with shop.provider_silenced():
            shop.pay(name, EVE, order, name.upper(), token=token)

    order = shop.order("capture_fails", EVE, ("MUG", 1))
    payment = shop.pay("capture_fails", EVE, order, "AUTHORIZED", token="tok_capture_fails")
    shop.needs_attention(payment)
    order = shop.order("refund_fails", EVE, ("MUG", 1))
    payment = shop.pay("refund_fails", EVE, order, "CAPTURED", token="tok_refund_fails")
    shop.do(DESK, "paymentRefund", paymentId=payment, amount=usd(100))
    shop.needs_attention(payment)
    order = shop.order("wrong_amount", EVE, ("HELD", 1))
    payment = shop.pay("wrong_amount", EVE, order, "PROCESSING", token="tok_wrong_amount")
    shop.needs_attention(payment)
    order = shop.order("attention_resolved", EVE, ("HELD", 1))
    payment = shop.pay("attention_resolved", EVE, order, "PROCESSING", token="tok_wrong_amount")
    shop.needs_attention(payment)
    shop.do(DESK, "paymentAttentionResolve", paymentId=payment)

    order = shop.order("dispute_lost", EVE, ("MUG", 2))
    payment = shop.pay("dispute_lost", EVE, order, "CAPTURED", token="tok_dispute")
    shop.order_is(order, "PAID", "PAID")
    shop.do(DESK, "paymentRefund", paymentId=payment, amount=usd(1000))
    shop.payment_is(payment, "DISPUTED")
    for name, end in [("dispute_open", None), ("dispute_won", "dispute.won")]:
        order, payment = shop.paid(name, EVE, ("MUG", 1))
        dispute = "dp_" + payment.replace("-", "")
        shop.webhook(payment, "dispute.opened", 2499, object=dispute)
        shop.payment_is(payment, "DISPUTED")
        if end:
            shop.webhook(payment, end, 2499, object=dispute)
            shop.payment_is(payment, "CAPTURED")


def passed(shop):
    """What has ended by itself before the dump is made."""
    expired = shop.order("expired", BOB, ("MUG", 1))
    declined = shop.order("expired_after_decline", EVE, ("MUG", 1))
    shop.pay("expired_after_decline", EVE, declined, "FAILED", token="tok_declined")
    held = shop.order("authorization_expired", ADA, ("MUG", 1))
    payment = shop.pay("authorization_expired", ADA, held, "AUTHORIZED", token="tok_success", capture="MANUAL")
    idle = shop.do(STRANGER, "cartCreate", "cart { id } token")
    shop.name("tokens", "guest_expired", idle["token"])
    shop.do(("guest", idle["token"]), "cartLinesAdd", lines=[{"sku": "MUG", "quantity": 1}])
    shop.do(("customer", "dan"), "cartLinesAdd", "cart { id }", lines=[{"sku": "MUG", "quantity": 1}])
    shop.name("carts", "guest_expired", idle["cart"]["id"])
    shop.order_is(expired, "EXPIRED")
    shop.order_is(declined, "EXPIRED")
    shop.payment_is(payment, "EXPIRED")
    recorded = "select count(*) from events where event_type = 'cart.expired'"
    until("carts expire", lambda: int(shop.psql(recorded)) >= 2)


def abandoned(shop):
    shop.order("mail_abandoned", ("customer", "frank"), ("HELD", 1))
    query = "{ notifications(filter: {status: ABANDONED}) { nodes { id } } }"
    until("a message is abandoned", lambda: shop.ask(DESK, query)["notifications"]["nodes"])


def lapsing(shop):
    """What has not ended when the dump is made, and ends as soon as it is restored: one of each, so that their
    order does not depend on chance."""
    shop.pay("unknown", ADA, shop.names["orders"]["unknown"], "UNKNOWN", token="tok_silent")
    shop.order("lapsed", ("customer", "gina"), ("LATE", 4))
    idle = shop.do(STRANGER, "cartCreate", "cart { id } token")
    shop.name("tokens", "guest_lapsed", idle["token"])
    shop.name("carts", "guest_lapsed", idle["cart"]["id"])
    shop.do(("guest", idle["token"]), "cartLinesAdd", lines=[{"sku": "LATE", "quantity": 1}])


def forgotten(shop):
    """A person whose key is destroyed: nobody can read their address any more."""
    known = len(shop.keys)
    shop.paid("forgotten", HANK, ("MUG", 1))
    del shop.keys[known:]  # Nothing can be sealed for them again, so their order cannot be sent again.
    shop.settle()
    hank = shop.ask(HANK, "{ me { customerId } }")["me"]["customerId"]
    shop.psql(f"update subject_keys set key = null where subject = '{hank}'")
    if shop.psql(f"select key is null from subject_keys where subject = '{hank}'") != "t":
        sys.exit("nobody was forgotten")


def is_complete(shop):
    """Every status there is has its example."""
    statuses = {
        "orders": "PENDING PAID PROCESSING SHIPPED DELIVERED REFUNDED CANCELLED EXPIRED",
        "payments": "PENDING REQUIRES_ACTION PROCESSING AUTHORIZED PARTIALLY_CAPTURED CAPTURED PARTIALLY_REFUNDED "
                    "REFUNDED FAILED CANCELLED EXPIRED DISPUTED UNKNOWN",
        "notifications": "PENDING SENT ABANDONED",
    }
    for table, expected in statuses.items():
        found = shop.psql(f"select distinct upper(status) from {table}").split()
        if missing := set(expected.split()) - set(found):
            sys.exit(f"no example among the {table}: {missing}")


def replay(shop):
    """Every recorded key is known to this release itself."""
    for sent in shop.keys:
        answer = shop.send(tuple(sent["caller"]), sent["mutation"], "", sent["input"])
        if not (answer["replayed"] and answer["position"] == sent["position"]):
            sys.exit(f"not replayed: {sent} {answer}")


def dump(shop, folder):
    os.kill(shop.server.pid, 19)  # SIGSTOP: nothing moves while it is read.
    head, at = shop.psql("select position, to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
                         "from events order by position desc limit 1").split("|")
    caused = shop.psql("select max(position) from events where caused_by is not null and stream_type = 'payment'")
    command = ["pg_dump", "--no-owner", "--no-privileges", "--no-toast-compression", "--inserts",
               "--rows-per-insert=100", shop.database()]
    sql = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    os.kill(shop.server.pid, 18)
    # Settings and psql's own commands differ between versions of PostgreSQL, and nothing here needs them.
    kept = [line for line in sql.splitlines()
            if not re.match(r"SET |\\(un)?restrict |SELECT pg_catalog.set_config|--|$", line)]
    folder.mkdir(parents=True, exist_ok=True)
    text = "SET check_function_bodies = false;\n" + "\n".join(kept) + "\n"
    with open(folder / "dump.sql.gz", "wb") as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))
    write = lambda name, value: (folder / name).write_text(json.dumps(value, indent=1) + "\n")
    write("shop.json", {"head": int(head), "dumpedAt": at, "why": caused, **shop.names})
    write("keys.json", shop.keys)
    print(f"{head} events, {len(shop.keys)} keys, {(folder / 'dump.sql.gz').stat().st_size} bytes", file=sys.stderr)


def main(program, folder):
    shop = Shop(program)
    try:
        shop.start()
        for scenario in [catalogue, coupons, carts, fulfilment, cancelled, payments, forgotten]:
            scenario(shop)
            print(scenario.__name__, file=sys.stderr)
        shop.order("unknown", ADA, ("HELD", 5))
        shop.settle()
        shop.start(**PASSING)
        passed(shop)
        shop.settle()
        shop.start(**NO_MAIL_SERVER, CARTULARY_MAIL_BACKOFF="1ms")
        abandoned(shop)
        shop.settle()
        replay(shop)
        shop.start(**NO_MAIL_SERVER, CARTULARY_MAIL_BACKOFF="1s", CARTULARY_PAYMENT_RETRY="1s",
                   CARTULARY_RESERVATION="20s", CARTULARY_RESERVATION_CAP=CENTURY, CARTULARY_CART_IDLE="20s")
        lapsing(shop)
        time.sleep(1)
        is_complete(shop)
        dump(shop, pathlib.Path(folder))
        replay(shop)
    finally:
        shop.remove()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(os.path.abspath(sys.argv[1]), sys.argv[2])
