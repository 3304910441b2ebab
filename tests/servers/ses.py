"""Amazon SES, version 2, by the service model that botocore ships: routes, required members, types, error codes."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from examples.sandboxes.smtp import recipient_hash
from tests.servers import base
from tests.servers.base import Call, HttpServer, Reply, demand

SIGNED = r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/eu-west-1/ses/aws4_request"
MODEL = botocore.session.get_session().get_service_model("sesv2")
OPERATIONS = {
    (model.http["method"], model.http["requestUri"]): model
    for model in (MODEL.operation_model(name) for name in ("SendEmail", "GetAccount"))
}

CODES = {429: "TooManyRequestsException", 503: "ServiceUnavailable"}


def refusal(status: int, code: str) -> Reply:
    return Reply(status, {"message": "m"}, {"x-amzn-ErrorType": code})


class Ses(HttpServer):
    KIND = "messages"
    TO = {"template": "winback"}
    CONSENT = "email"
    SECRET = False
    OPTIONS = {
        "sender": "Shop <hello@shop.example>",
        "unsubscribe_url": "https://shop.example/u",
        "configuration_set": "events",
        "bounce_address": "bounces+{message}@shop.example",
    }
    AFTER = {
        base.BUSY: "accepted",
        base.BUSY_UNTIL: "accepted",
        base.BROKEN: "unknown",
        base.AWAY: "unknown",
        base.RESET: "unknown",
        base.LOST: "unknown",
        base.GARBLED: "unknown",
    }
    SPELLED = [(("jan@bücher.example",), (), {recipient_hash("jan@xn--bcher-kva.example")})]
    NOBODY = [((), ("+31612345678",)), (("jan\r\nBcc: x@y.example",), ()), (("jän@mail.example",), ())]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sent: list[str] = []

    def connection(self) -> dict[str, Any]:
        extra = {"endpoint_url": f"http://127.0.0.1:{self.port}", "region_name": "eu-west-1"}
        return {"login": self._given, "password": "secret", "extra": extra}

    def key(self, email: str, phone: str) -> set[str]:
        return {recipient_hash(email)}

    def held(self) -> set[str]:
        return set(self.sent)

    def times(self, key: str) -> int:
        return self.sent.count(key)

    def serve(self, call: Call) -> tuple[str, Reply]:
        """Faults happen to messages, with the codes of the model."""
        if call.path.endswith("/account"):
            held, self._faults = self._faults, []
            served = super().serve(call)
            self._faults = held
            return served
        fault, reply = super().serve(call)
        if fault in base.FAULTS and fault[:1].isdigit():
            reply.headers["x-amzn-ErrorType"] = CODES.get(reply.status, "InternalFailure")
        return fault, reply

    def answer(self, call: Call) -> Reply:
        model = OPERATIONS.get((call.method, call.path))
        demand(model, 404, {"message": "no such operation"})
        signed = re.match(SIGNED, call.headers["Authorization"] or "")
        if not signed or signed[1] != self.token:
            raise refusal(403, "UnrecognizedClientException")
        if call.path.endswith("/account"):
            quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 500.0, "SentLast24Hours": 0.0}
            return Reply(200, {"SendingEnabled": True, "ProductionAccessEnabled": True, "SendQuota": quota})
        told = json.loads(call.body)
        told["Content"]["Raw"]["Data"] = base64.b64decode(told["Content"]["Raw"]["Data"], validate=True)
        if ParamValidator().validate(told, model.input_shape).has_errors():  # type: ignore[union-attr]
            raise refusal(400, "BadRequestException")
        return self._sent(told)

    def _sent(self, told: Any) -> Reply:
        tags = told.get("EmailTags", [])
        if not all(re.fullmatch(r"[\w-]{1,256}", tag[part]) for tag in tags for part in ("Name", "Value")):
            raise refusal(400, "BadRequestException")
        if told.get("ConfigurationSetName") != "events":
            raise refusal(404, "NotFoundException")
        (address,) = told["Destination"]["ToAddresses"]
        head = told["Content"]["Raw"]["Data"].partition(b"\r\n\r\n")[0].decode("ascii")
        assert address.isascii()
        assert f"To: {address}" in head
        operation = re.search(r"Message-ID: <([\w-]+)@", head)[1]  # type: ignore[index]
        assert re.fullmatch(rf"bounces\+{operation}\w{{16}}@shop.example", told["FeedbackForwardingEmailAddress"])
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
        if recipient_hash(address) in self.refused:
            raise refusal(400, "MessageRejected")
        self.sent.append(recipient_hash(address))
        return Reply(200, {"MessageId": f"m{len(self.sent)}"})


SERVER = Ses
