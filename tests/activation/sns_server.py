"""Amazon SNS as far as whom it posts to asks it: certificates and confirmations, over TLS, under its real name.

It stands behind a proxy, which is how the real name leads here: `environment()` has what a company behind a proxy sets.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import socketserver
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

HOST = "sns.eu-west-1.amazonaws.com"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
PEM = serialization.Encoding.PEM


def certificate(key: RSAPrivateKey, name: str = "sns.amazonaws.com", days: int = 1) -> bytes:
    """A certificate that signs itself, valid until so many days from now."""
    now, subject = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    built = (
        built.serial_number(1)
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
    )
    hosts = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    return built.add_extension(hosts, critical=False).sign(key, hashes.SHA256()).public_bytes(PEM)


class SnsServer:
    """`asked` are the addresses that were asked, `confirmed` the tokens; `pages` are its certificates by name."""

    def __init__(self, folder: Path):
        self.key = generate_private_key(65537, 2048)
        self.asked: list[str] = []
        self.confirmed: list[str] = []
        self.away = False
        own = certificate(self.key)
        self.pages: dict[str, bytes] = {
            "0a": own,
            "e1": certificate(self.key, days=-1),
            "e2": certificate(self.key, "sns.amazonaws.com.example"),
            "e3": b"no certificate",
            "e4": b"x" * 100_000,
        }
        self.trusted, private = folder / "trusted.pem", folder / "key.pem"
        self.trusted.write_bytes(own)
        private.write_bytes(
            self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.trusted, private)
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                to = self._head().split(" ")[1]
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                with tls.wrap_socket(self.connection, server_side=True) as line:
                    self.rfile = line.makefile("rb")
                    address = f"https://{to}{self._head().split(' ')[1]}"
                    status, content = outer.answer(address)
                    line.sendall(
                        f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
                    )
                    line.sendall(content)

            def _head(self) -> str:
                first = self.rfile.readline().decode()
                while self.rfile.readline().strip():
                    pass
                return first

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address = True, True

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def environment(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1", "SSL_CERT_FILE": str(self.trusted)}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, address: str) -> tuple[int, bytes]:
        self.asked.append(address)
        parts = urlsplit(address)
        if self.away or parts.netloc != f"{HOST}:443":
            return 503, b""
        if parts.path == "/":
            query = parse_qs(parts.query)
            assert (query["Action"], query["TopicArn"]) == (["ConfirmSubscription"], [TOPIC])
            self.confirmed += query["Token"]
            return 200, b"<ConfirmSubscriptionResponse/>"
        page = self.pages.get(parts.path.removeprefix("/SimpleNotificationService-").removesuffix(".pem"))
        return (200, page) if page else (403, b"")

    def message(self, type_: str = "Notification", version: str = "1", **values: Any) -> dict[str, Any]:
        """A message that is signed as SNS does."""
        given = {
            "Type": type_,
            "MessageId": "165545c9-2a5c",
            "TopicArn": TOPIC,
            "Timestamp": "2026-01-01T10:00:00.000Z",
        }
        if type_ != "Notification":
            given |= {"Token": "2336412f37", "SubscribeURL": f"https://{HOST}/?Action=ConfirmSubscription"}
        given |= values
        text = "".join(f"{name}\n{given[name]}\n" for name in sorted(given) if given[name] is not None)
        hashed: hashes.HashAlgorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = base64.b64encode(self.key.sign(text.encode(), PKCS1v15(), hashed)).decode()
        page = f"https://{HOST}/SimpleNotificationService-0a.pem"
        return given | {"SignatureVersion": version, "Signature": signature, "SigningCertURL": page}


def as_posted(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()
