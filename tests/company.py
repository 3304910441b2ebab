"""The smallest company whose configuration is valid; tests replace whole files of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

FOR_ACTION = {"kpi": "orders", "expires": "2099-12-31"}
"""What every audience says besides who it is for."""
ORDERS = {"stage": "purchase", "title": "Orders", "unit": "count", "table": "touchpoints", "where": "type = 'order'",
          "numerator": "count(*)"}  # fmt: skip
FOR_PEOPLE = {"title": "t", "about": "For tests.", "owner": "tests"}
CHURN: dict[str, Any] = {
    "kind": "classify",
    **FOR_PEOPLE,
    "label": {"rows_of": "recency_days", "happens": False},
    "outcome": "the risk",
    "active_days": 84,
}
SEGMENTATION: dict[str, Any] = {"kind": "segment", **FOR_PEOPLE, "features": ["recency_days", "orders_90d"]}
MINIMAL: dict[str, Any] = {
    "settings.yaml": {
        "company": "Test company",
        "timezone": "Europe/Amsterdam",
        "country": "NL",
        "landing": "var/landing",
        "lake": "var/lake",
    },
    "sources/crm.yaml": {
        "source": "crm",
        "group": "crm",
        "datasets": {
            "contacts": {
                "files": "{day}/contacts*.csv*",
                "columns": {"contact_id": "id", "updated_at": "updated_at", "email": "email", "first_name": "name"},
            }
        },
    },
    "identity.yaml": {
        "identifiers": {"contact": {}, "email": {}, "phone": {}, "login": {}, "cookie": {}, "loyalty": {}},
        "golden_record": {"first_name": {"sources": ["crm"]}},
        "purposes": {"marketing": {"channels": ["email"]}, "ads": {"channels": ["ads"]}},
    },
    "journey.yaml": {
        "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
    },
    "models.yaml": {"features": ["recency_days", "orders_90d"]},
    "models/churn.yaml": CHURN,
    "models/segmentation.yaml": SEGMENTATION,
    "traits.yaml": {
        "traits": {
            "recency_days": {
                "title": "Days since the last order",
                "over": "orders",
                "value": "min(days_ago)",
                "type": "bigint",
            },
            "orders_90d": {
                "title": "Orders in the last 90 days",
                "over": "orders",
                "days": 90,
                "value": "count(*)",
                "type": "bigint",
            },
        }
    },
    "destinations.yaml": {
        "destinations": {
            "email": {
                "type": "smtp",
                "channel": "email",
                "connection": "klantreis_smtp",
                "options": {
                    "sender": "Test company <hello@company.example>",
                    "unsubscribe_url": "https://company.example/unsubscribe",
                },
            }
        },
    },
}


def with_kpi(files: dict[str, Any]) -> dict[str, Any]:
    """The files of a company, with the KPI of FOR_ACTION if there are audiences and no KPIs are declared."""
    journey = files["journey.yaml"]
    if any(name.startswith("audiences/") for name in files) and isinstance(journey, dict):
        return {**files, "journey.yaml": {"kpis": {"orders": ORDERS}, **journey}}
    return files


def written(folder: Path, files: dict[str, Any] | None = None) -> Path:
    """Write the smallest configuration to a folder, with whole files replaced; None removes one.

    Traits come on top of those that the models of the smallest configuration learn from.
    """
    for name, content in with_kpi({**MINIMAL, **(files or {})}).items():
        if name == "traits.yaml" and isinstance(content, dict):
            own = content.get("traits", {})
            content = {**content, "traits": own | {k: v for k, v in MINIMAL[name]["traits"].items() if k not in own}}
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return folder


@contextmanager
def loaded(folder: Path, files: dict[str, Any] | None = None) -> Iterator[Any]:
    """Settings of a company below that folder, for a fixture that several tests share; they hold inside the block."""
    from jobs.config.settings import load_settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANTREIS_HASH_KEY", "test-key")
        patch.delenv("KLANTREIS_HOME", raising=False)
        yield load_settings(written(folder / "config", files))
