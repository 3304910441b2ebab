"""A model behind OpenAI's chat completions, as strict as the published interface about what it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.servers.base import Call, HttpServer, Reply, demand


def problem(kind: str) -> dict[str, Any]:
    return {"error": {"message": "m", "type": kind, "code": kind}}


class ChatModel(HttpServer):
    """`says` holds its next answers: what a content is made of, or a text as it is; the last is said again."""

    def __init__(self, folder: Path, *says: Any) -> None:
        super().__init__(folder)
        self.says = list(says)
        self.cut_off = False

    def error(self, status: int) -> Any:
        return problem("rate_limit_exceeded" if status == 429 else "server_error")

    def asked(self) -> list[dict[str, Any]]:
        """What the user's messages of all calls said."""
        return [json.loads(call.json["messages"][-1]["content"]) for call in self.calls]

    def answer(self, call: Call) -> Reply:
        demand((call.method, call.path) == ("POST", "/v1/chat/completions"), 404, problem("not_found"))
        demand(call.headers.get("Authorization") == f"Bearer {self.token}", 401, problem("invalid_api_key"))
        body = call.json
        demand(set(body) == {"model", "messages", "max_tokens", "response_format"}, 400, problem("unknown_parameter"))
        demand([one["role"] for one in body["messages"]] == ["system", "user"], 400, problem("invalid_messages"))
        form = body["response_format"]
        demand(form["type"] == "json_schema" and form["json_schema"]["strict"], 400, problem("invalid_response_format"))
        demand(strict(form["json_schema"]["schema"]), 400, problem("invalid_schema"))
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        content = said if isinstance(said, str) else json.dumps(said)
        choice = {
            "index": 0,
            "finish_reason": "length" if self.cut_off else "stop",
            "message": {"role": "assistant", "content": content, "refusal": None},
        }
        usage = {"prompt_tokens": 400, "completion_tokens": 100, "total_tokens": 500}
        return Reply(200, {"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage})


def strict(schema: Any) -> bool:
    """Whether every object names all its keys and takes no others, as strict schemas have to."""
    if schema.get("type") == "object":
        whole = schema["additionalProperties"] is False and set(schema["required"]) == set(schema["properties"])
        return whole and all(map(strict, schema["properties"].values()))
    return strict(schema["items"]) if schema.get("type") == "array" else True
