"""TikTok's streaming of audiences: every answer is 200, its code tells, and a request is taken whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.servers import base
from tests.servers.base import EMPTY, Call, HttpServer, Reply, demand, sha256


def said(code: int = 0) -> dict[str, Any]:
    return {"code": code, "message": "OK" if not code else "m", "request_id": "r", "data": {}}


class TikTok(HttpServer):
    OPTIONS = {"advertiser_id": "6900"}
    MOST = 1_000
    SPELLED = [
        ((" A.b+Tag@GMAIL.com ", "a.b+t@corp.example"), (), {sha256("a.b@gmail.com"), sha256("a.b@corp.example")}),
        ((), ("+18005550100",), {sha256("18005550100")}),
    ]
    NOBODY = [*HttpServer.NOBODY, (("+tag@mail.example",), ())]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.members: set[str] = set()

    def key(self, email: str, phone: str) -> set[str]:
        return {sha256(email), sha256(phone.lstrip("+"))}

    def held(self) -> set[str]:
        return self.members

    def error(self, status: int) -> Any:
        return said(40100 if status == 429 else 50000)

    def serve(self, call: Call) -> tuple[str, Reply]:
        """Its own trouble comes as 200 too."""
        fault, reply = super().serve(call)
        return fault, Reply(200, reply.body) if fault in (base.BUSY, base.BROKEN) else reply

    def answer(self, call: Call) -> Reply:
        demand(call.headers.get("Access-Token") == self.token, 200, said(40105))
        if call.path == "/open_api/v1.3/dmp/custom_audience/get/":
            demand(call.query["advertiser_id"] == ["6900"] and not self.lost, 200, said(40002))
            demand(json.loads(call.query["custom_audience_ids"][0]) == ["1001"], 200, said(40002))
            return Reply(200, said())
        demand(call.path == "/open_api/v1.3/segment/mapping/" and call.method == "POST", 404, said(40007))
        told = call.json
        rows = told["batch_data"]
        demand(told["advertiser_ids"] == ["6900"] and told["action"] in ("add", "delete"), 200, said(40002))
        demand(told["id_schema"] == ["EMAIL_SHA256", "PHONE_SHA256"] and 0 < len(rows) <= 1000, 200, said(40002))
        self.people(len(rows))
        there: set[str] = set()
        for row in rows:
            values = {one["id"] for one in row if one}
            demand(len(row) == 2 and values, 200, said(40002))
            demand(all(one["audience_ids"] == ["1001"] for one in row if one), 200, said(40002))
            demand(all(re.fullmatch("[0-9a-f]{64}", one) for one in values) and EMPTY not in values, 200, said(40002))
            demand(not values & self.refused, 200, said(40002))
            there |= values
        self.members = self.members | there if told["action"] == "add" else self.members - there
        return Reply(200, said())


SERVER = TikTok
