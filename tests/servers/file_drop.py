"""S3, as far as files are dropped there, and a reader who takes the files in the order in which they came."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.servers import base
from tests.servers.base import EMPTY, Call, HttpServer, Reply, demand, sha256

SIGNED = r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/eu-west-1/s3/aws4_request"
ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>m</Message></Error>"


def xml(text: str) -> bytes:
    return text.encode()


class FileDrop(HttpServer):
    OPTIONS = {"to": "s3://drops/klantreis", "rows_per_file": 200, "tries": 4, "timeout_seconds": 20}
    MOST = 100
    SECRET = False
    SPELLED = [((" Jan.Jansen+x@Example.COM ",), (), {sha256("jan.jansen+x@example.com")})]
    AFTER = {name: "accepted" for name in base.FAULTS if name != base.SLOW} | {base.GARBLED: "unknown"}
    REFUSES = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.files: dict[str, bytes] = {}
        self.read: list[tuple[str, str, bytes]] = []

    def connection(self) -> dict[str, Any]:
        extra = {"endpoint_url": f"http://127.0.0.1:{self.port}", "region_name": "eu-west-1"}
        return {"login": self._given, "password": "secret", "extra": extra}

    def key(self, email: str, phone: str) -> set[str]:
        return {sha256(email), sha256(phone)}

    def held(self) -> set[str]:
        there: set[str] = set()
        for _, change, content in self.read:
            told = {row["value"] for row in csv.DictReader(io.StringIO(content.decode()))}
            there = there | told if change == "add" else there - told
        return there

    def error(self, status: int) -> Any:
        return xml(ERROR.format({429: "SlowDown", 500: "InternalError", 503: "SlowDown"}.get(status, "BadGateway")))

    def answer(self, call: Call) -> Reply:
        signed = re.match(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/eu-west-1/s3/aws4_request", call.headers["Authorization"]
        )
        demand(signed and signed[1] == self.token, 403, xml(ERROR.format("InvalidAccessKeyId")))
        bucket, _, name = call.path.lstrip("/").partition("/")
        demand(bucket == "drops" and not self.lost, 404, xml(ERROR.format("NoSuchBucket")))
        if call.method == "GET" and not name:
            prefix = call.query["prefix"][0]
            found = "".join(f"<Contents><Key>{escape(n)}</Key></Contents>" for n in self.files if n.startswith(prefix))
            return Reply(200, xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"))
        if call.method == "GET":
            return Reply(200, self.files[name])
        if call.method == "DELETE":
            self.files.pop(name, None)
            return Reply(204)
        return self._put(name, call)

    def _put(self, name: str, call: Call) -> Reply:
        summed = call.headers.get("x-amz-content-sha256", "")
        right = summed == "UNSIGNED-PAYLOAD" or summed == hashlib.sha256(call.body).hexdigest()
        demand(right, 400, xml(ERROR.format("XAmzContentSHA256Mismatch")))
        change = re.fullmatch(r"klantreis/1001/(add|remove|erase)-[0-9]{8}T[0-9]{12}Z-[0-9a-f]{32}\.csv", name)
        assert change, name
        rows = list(csv.DictReader(io.StringIO(call.body.decode())))
        assert all(re.fullmatch("[0-9a-f]{64}", row["value"]) and row["value"] != EMPTY for row in rows)
        self.people(len({row["customer_id"] for row in rows}))
        if name not in self.files:
            self.read.append((name, change[1], call.body))
        self.files[name] = call.body
        mark = base64.b64encode(hashlib.md5(call.body).digest()).decode()
        return Reply(200, None, {"ETag": f'"{mark}"'})


SERVER = FileDrop
