"""localstripe, and what the present API has beyond it.

Serves on the loopback, on the port of its first argument or a free one, which it prints. Ends when its
standard input does, so that a test that dies leaves nothing behind.
"""

import os
import socket
import sys
import threading

from aiohttp import web
from localstripe import resources

# In memory only: its file would be shared by all the tests that run at the same time.
resources.Store.dump_to_disk = lambda self: None

# An older intent knows no list of the allowed means, takes no metadata with a capture, and does not
# tell what it has received.
make_intent = resources.PaymentIntent.__init__
capture_intent = resources.PaymentIntent._api_capture


def make_newer_intent(self, allowed_payment_method_types=None, **rest):
    make_intent(self, **rest)


def capture_newer_intent(id, metadata=None, **rest):
    intent = capture_intent(id, **rest)
    intent.metadata.update(metadata or {})
    return intent


def amount_received(self):
    charge = self.latest_charge
    if charge is None or not charge.captured:
        return 0
    # What a capture leaves is booked as a refund of the charge.
    return charge.amount - sum(
        refund.amount for refund in charge.refunds._list if refund.payment_intent is None)


resources.PaymentIntent.__init__ = make_newer_intent
resources.PaymentIntent.amount_received = property(amount_received)
resources.extra_apis[:] = [
    (method, url, capture_newer_intent if call == capture_intent else call)
    for method, url, call in resources.extra_apis]

from localstripe import server  # noqa: E402, it makes its routes now

answers = {}  # by idempotency key: status, content type and body
lost = {}  # by the end of a path: how many more answers to it get lost


@web.middleware
async def idempotent_and_unreliable(request, handler):
    key = request.headers.get('Idempotency-Key')
    if key in answers:
        status, kind, body = answers[key]
        answer = web.Response(status=status, content_type=kind, body=body)
    else:
        answer = await handler(request)
        if key is not None:
            answers[key] = (answer.status, answer.content_type, answer.body)
    for end in [end for end, left in lost.items() if left and request.path.endswith(end)]:
        if request.method == 'POST':
            lost[end] -= 1
            request.transport.abort()
    return answer


async def lose(request):
    lost.update(await request.json())
    return web.Response()


def end_with_the_test():
    sys.stdin.read()
    os._exit(0)


server.app.middlewares.insert(0, idempotent_and_unreliable)
server.app.router.add_post('/_config/lose', lose)
threading.Thread(target=end_with_the_test, daemon=True).start()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', int(sys.argv[1]) if len(sys.argv) > 1 else 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
web.run_app(server.app, sock=listener, access_log=None, print=None)
