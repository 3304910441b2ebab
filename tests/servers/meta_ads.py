"""The Graph API of Meta, as far as the members of a Custom Audience go."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.servers.base import EMPTY, Call, HttpServer, Reply, demand, sha256

KEYS = {"EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "CT", "ST", "ZIP", "MADID", "COUNTRY", "EXTERN_ID"}


def error(code: int, subcode: int | None = None) -> dict[str, Any]:
    told = {"message": "m", "type": "OAuthException", "code": code, "fbtrace_id": "t"}
    return {"error": told | ({"error_subcode": subcode} if subcode else {})}


class Meta(HttpServer):
    OPTIONS = {"account_id": "77", "version": "v26.0"}
    MOST = 10_000
    SPELLED = [
        ((" John_Smith@gmail.com ",), (), {"62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"}),
        ((), ("+16505551212",), {"e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"}),
        (("a.b+t@gmail.com", "a@x.example"), (), {sha256("a.b+t@gmail.com"), sha256("a@x.example")}),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.members: set[str] = set()

    def key(self, email: str, phone: str) -> set[str]:
        return {sha256(email), sha256(phone.lstrip("+"))}

    def held(self) -> set[str]:
        return self.members

    def error(self, status: int) -> Any:
        return error({429: 80003}.get(status, 2))

    def answer(self, call: Call) -> Reply:
        demand(call.headers.get("Authorization") == f"Bearer {self.token}", 401, error(190))
        demand("access_token" not in call.query, 400, error(100))
        here = re.fullmatch(r"/v26\.0/(1001|1001/users|act_77/usersofanyaudience)", call.path)
        demand(here and not self.lost, 404, error(100, 33))
        if call.method == "GET":
            return Reply(200, {"id": "1001", "operation_status": {"code": 200}})
        form = call.form
        removes = call.method == "DELETE" or form.get("method", "").upper() == "DELETE"
        demand(removes or not here[1].startswith("act_"), 400, error(100))
        return self._rows(json.loads(form["payload"]), json.loads(form["session"]), removes)

    def _rows(self, payload: Any, session: Any, removes: bool) -> Reply:
        rows, schema = payload["data"], payload["schema"]
        demand(0 < session["session_id"] < 2**63 and session["batch_seq"] == 1, 400, error(2650, 1870147))
        demand(session["last_batch_flag"] is True and session["estimated_num_total"] == len(rows), 400, error(100))
        demand(set(schema) <= KEYS and 0 < len(rows) <= 10_000, 400, error(100))
        self.people(len({tuple(row) for row in rows}))
        invalid = 0
        for row in rows:
            told = {value for value in row if value}
            demand(len(row) == len(schema) and told, 400, error(100))
            wrong = any(not re.fullmatch("[0-9a-f]{64}", value) or value == EMPTY for value in told)
            if wrong or (told & self.refused and not removes):
                invalid += 1
            elif removes:
                self.members -= told
            else:
                self.members |= told
        said = {"audience_id": "1001", "session_id": str(session["session_id"]), "num_received": len(rows)}
        return Reply(200, said | {"num_invalid_entries": invalid, "invalid_entry_samples": {}})


SERVER = Meta
