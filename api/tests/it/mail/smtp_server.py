"""A mail server that behaves as the file `mode` in its folder says, and keeps what it takes there.

Where it speaks TLS, from the first byte (`smtps`) or after STARTTLS (`starttls`), the authority that
vouches for it is `authority.pem` there.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP

folder, port, security = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Handler:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        mode = (folder / "mode").read_text()
        if mode == "postpone":
            return "451 4.3.0 Come back later"
        if mode == "refuse":
            return f"550 5.1.1 <{envelope.rcpt_tos[0]}>: no such user"
        if mode == "drop":
            server.transport.abort()
            return "421 4.3.0 Gone"
        if mode == "stall":
            await asyncio.sleep(3600)
        self.keep(envelope)
        return "250 2.0.0 Taken"

    def keep(self, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: message.get_body((kind,)).get_content()
        headers = {name: str(message[name]) for name in ("From", "To", "Subject", "Message-ID")}
        letter = {"to": envelope.rcpt_tos, "headers": headers, "text": part("plain"), "html": part("html")}
        Handler.taken += 1
        draft = folder / f"{port}-{Handler.taken}.draft"
        draft.write_text(json.dumps(letter))
        draft.rename(draft.with_suffix(".json"))


def certified():
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def main():
    loop = asyncio.get_running_loop()
    context = certified() if security != "none" else None
    asked = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}
    protocol = lambda: SMTP(Handler(), enable_SMTPUTF8=True, loop=loop, **asked)
    at_once = context if security == "smtps" else None
    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=at_once)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
