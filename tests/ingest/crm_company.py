"""A company with two sources in a temporary folder, and a way to land files for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

CONTACTS = {
    "source": "crm",
    "group": "crm",
    "timezone": "Europe/Amsterdam",
    "datasets": {
        "contacts": {
            "files": "{day}/contacts*.csv*",
            "columns": {
                "contact_id": "id",
                "updated_at": "updated",
                "email": "email",
                "first_name": "name",
                "birth_date": "born",
            },
        },
        "messages": {
            "files": "{day}/messages*.jsonl*",
            "format": {"type": "jsonl"},
            "columns": {
                "message_id": "id",
                "conversation_id": "talk.id",
                "sent_at": "at",
                "author": "get_json_object(talk, '$.by')",
                "text": "text",
            },
        },
    },
}


@pytest.fixture
def company(settings, tmp_path):
    """Settings of the company; its landing folder exists and is empty."""
    (tmp_path / "var" / "landing" / "crm").mkdir(parents=True)
    return settings({"sources/crm.yaml": CONTACTS})


@pytest.fixture
def land(company) -> Callable[[str, str | bytes], Path]:
    """`land("crm/2024-05-01/contacts.csv", "id,...")` puts a file below the landing root."""

    def put(path: str, content: str | bytes) -> Path:
        target = Path(company.landing) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    return put


@pytest.fixture
def day() -> Callable[[str], dt.date]:
    return dt.date.fromisoformat


@pytest.fixture
def company_lake(company):
    from jobs.lake.lake import Lake

    return Lake.of(company)
