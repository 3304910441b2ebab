"""Messages of Amazon SNS, as it posts them, and whether one is from the topic that is expected and from Amazon.

A signature alone proves little, since every customer of Amazon has topics of their own that are signed alike: the topic
is the one of the configuration, and the certificate comes over TLS from the host of SNS in the region of that topic. No
other address in a message is ever asked.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from jobs.http_answers import PACKED, pieces

SECONDS = 10.0
LARGEST = 65_536
"""Bytes of a certificate that are read: one has two thousand."""
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
"""What is signed of each type, in this order; a notification without a subject has none there either."""
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}
"""By version of the signature: the first is what a topic has that was told nothing else."""
_SIGNER = re.compile(r"sns(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")


class NotGenuine(ValueError):
    """A message that is not from the topic, or not from Amazon. Its text holds nothing of the message."""


@dataclass(frozen=True)
class Told:
    """A message that is genuine. `token` is what a confirmation is answered with."""

    type: str
    message: str = field(repr=False)
    token: str = field(default="", repr=False)


class Topic:
    """One topic, and the certificates by which its messages were found genuine."""

    def __init__(self, arn: str):
        self.arn = arn
        _, partition, _, region, *_ = arn.split(":")
        self.host = f"sns.{region}.amazonaws.com" + (".cn" if partition == "aws-cn" else "")
        self._page = re.compile(rf"https://{re.escape(self.host)}/SimpleNotificationService-[0-9A-Za-z]{{1,64}}\.pem")
        self._keys: dict[str, RSAPublicKey] = {}
        self._asking = threading.Lock()

    def told(self, body: bytes) -> Told:
        """The message that was posted. Raises NotGenuine, or httpx.HTTPError if the certificate cannot be had now."""
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            raise NotGenuine("it is no JSON") from None
        if not isinstance(given, dict) or given.get("TopicArn") != self.arn:
            raise NotGenuine("it is not of the topic in config/feedback.yaml")
        names = SIGNED.get(str(given.get("Type")), ())
        values = {name: given[name] for name in names if given.get(name) is not None}
        if not names or not values.keys() >= {*names} - {"Subject"} or not _texts(values):
            raise NotGenuine("it lacks what a message of SNS has")
        self._check("".join(f"{name}\n{values[name]}\n" for name in names if name in values), given)
        return Told(values["Type"], values["Message"], values.get("Token", ""))

    def confirm(self, token: str) -> None:
        """Tell Amazon that the topic may post here. Raises httpx.HTTPError if that did not succeed."""
        asked = {"Action": "ConfirmSubscription", "TopicArn": self.arn, "Token": token}
        with httpx.stream("GET", f"https://{self.host}/", params=asked, timeout=SECONDS) as answer:
            if answer.status_code != 200:
                raise httpx.HTTPError(f"SNS answers {answer.status_code} to the confirmation")

    def _check(self, text: str, given: dict[str, Any]) -> None:
        page, hashed = str(given.get("SigningCertURL")), _HASHES.get(str(given.get("SignatureVersion")))
        if not self._page.fullmatch(page):
            raise NotGenuine("its certificate is not one of SNS in the region of the topic")
        if hashed is None:
            raise NotGenuine("the version of its signature is unknown")
        key = self._keys.get(page) or self._key(page)
        try:
            signature = base64.b64decode(str(given.get("Signature")), validate=True)
            key.verify(signature, text.encode(), PKCS1v15(), hashed)
        except (ValueError, InvalidSignature):
            raise NotGenuine("its signature is wrong") from None
        self._keys[page] = key  # of what was signed only: made-up names of certificates fill no memory

    def _key(self, page: str) -> RSAPublicKey:
        """The key of a certificate. One at a time: whoever posts made-up ones keeps nobody else waiting for long."""
        if not self._asking.acquire(timeout=SECONDS / 5):
            raise httpx.HTTPError("another certificate is being asked for")
        try:
            content = _read(page)
        finally:
            self._asking.release()
        try:
            certificate = x509.load_pem_x509_certificate(content)
        except ValueError:
            raise NotGenuine("its certificate is none") from None
        now, names = datetime.now(UTC), certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        key = certificate.public_key()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NotGenuine("its certificate is not valid now")
        if not any(_SIGNER.fullmatch(str(name.value)) for name in names) or not isinstance(key, RSAPublicKey):
            raise NotGenuine("its certificate is not one of SNS")
        return key


def _read(page: str) -> bytes:
    content = b""
    with httpx.stream("GET", page, headers=PACKED, timeout=SECONDS) as answer:
        if 300 <= answer.status_code < 500:
            raise NotGenuine("there is no such certificate")
        if answer.status_code != 200:
            raise httpx.HTTPError(f"SNS answers {answer.status_code} to the question for a certificate")
        for piece in pieces(answer):
            content += piece
            if len(content) > LARGEST:
                raise NotGenuine("its certificate is none")
    return content


def _texts(values: dict[str, Any]) -> bool:
    try:
        "".join(values.values()).encode()
    except (TypeError, UnicodeEncodeError):  # half a sign is no text
        return False
    return True
