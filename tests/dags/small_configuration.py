"""A company with a source in each group, two destinations and two audiences."""

from tests.company import FOR_ACTION


def source(name: str, group: str) -> dict:
    contacts = {"files": "{day}/contacts*.csv*", "columns": {"contact_id": "id", "updated_at": "updated_at"}}
    return {"source": name, "group": group, "datasets": {"contacts": contacts}}


SENDER = {"sender": "Shop <hello@shop.example>", "unsubscribe_url": "https://shop.example/u"}
DESTINATIONS = {
    "newsletter": {"type": "smtp", "channel": "email", "connection": "klantreis_smtp", "options": SENDER},
    "search_ads": {
        "type": "google_data_manager",
        "channel": "ads",
        "connection": "klantreis_data_manager",
        "options": {"account_id": "1234567890"},
    },
}


def audience(name: str, purpose: str, send_to: dict) -> dict:
    words = {"title": "Come back", "goal": "A second order", "owner": "marketing", "stage": "loyalty", **FOR_ACTION}
    return {"audience": name, "purpose": purpose, "where": "true", "send_to": send_to, **words}


FILES = {
    "sources/shop.yaml": source("shop", "crm"),
    "sources/poll.yaml": source("poll", "survey"),
    "sources/desk.yaml": source("desk", "chat"),
    "sources/site.yaml": source("site", "web"),
    "destinations.yaml": {"destinations": DESTINATIONS},
    "audiences/win_back.yaml": audience("win_back", "marketing", {"newsletter": {"template": "win_back"}}),
    "audiences/look_alike.yaml": audience("look_alike", "ads", {"search_ads": {"list_id": "1"}}),
}
