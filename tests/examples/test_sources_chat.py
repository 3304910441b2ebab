"""Intercom, ABCD and MultiDoGO chats are loaded by YAML alone: every turn is in its conversation."""

import json
from collections import Counter

from tests.examples.source_company import Company, table
from tests.shared_data import folder


def test_intercom_keeps_every_version_of_a_conversation(tmp_path, monkeypatch):
    company = Company("intercom", tmp_path, monkeypatch)
    company.land_all("source_intercom")
    counts = company.run()["intercom"]
    contacts = table("source_intercom", "contact_history_data.csv")
    versions = table("source_intercom", "conversation_history_data.csv")
    parts = table("source_intercom", "conversation_part_history_data.csv")
    spoken = [row for row in parts if row["body"]]
    assert counts["rows_in"] == len(contacts) + len(versions) + len(parts) == 27
    assert company.set_aside() == {("messages", "text:not_null"): 8}  # somebody closed the conversation
    assert counts["quarantined"] == len(parts) - len(spoken) == 8
    assert {row["contact_id"] for row in company.rows("contacts")} == {row["id"] for row in contacts}
    found = {
        (row["conversation_id"], f"{row['updated_at']:%Y-%m-%d %H:%M:%S}") for row in company.rows("conversations")
    }
    assert found == {(row["id"], row["updated_at"]) for row in versions}
    assert {(row["message_id"], row["conversation_id"], row["author"]) for row in company.rows("messages")} == {
        (row["id"], row["conversation_id"], "agent") for row in spoken
    }
    closed = [row for row in company.rows("conversations") if row["closed_at"]]
    assert len(closed) == sum(row["state"] == "closed" for row in versions)


def test_abcd_chats_and_their_turns_come_from_one_nested_file(tmp_path, monkeypatch):
    company = Company("abcd", tmp_path, monkeypatch)
    company.land_all("chat_abcd_sample", "*.json")
    counts = company.run()["abcd"]
    chats = json.loads((folder("chat_abcd_sample") / "abcd_sample.json").read_text())
    turns = {
        (f"{chat['convo_id']}-{place}", str(chat["convo_id"]), {"action": "bot"}.get(who, who), text)
        for chat in chats
        for place, (who, text) in enumerate(chat["original"], 1)
    }
    assert counts["accepted"] == counts["rows_in"] == len(chats) + len(turns)
    found = company.rows("messages")
    assert {(r["message_id"], r["conversation_id"], r["author"], r["text"]) for r in found} == turns
    by_time = sorted((row["conversation_id"], row["sent_at"], row["message_id"]) for row in found)
    assert [message for _, _, message in by_time] == [
        f"{chat['convo_id']}-{place}"
        for chat in sorted(chats, key=lambda chat: str(chat["convo_id"]))
        for place in range(1, len(chat["original"]) + 1)
    ]
    people = {row["conversation_id"]: (row["email"], row["topic"]) for row in company.rows("conversations")}
    assert people == {
        str(c["convo_id"]): (c["scenario"]["personal"].get("email") or None, c["scenario"]["subflow"]) for c in chats
    }
    names = {
        row["conversation_id"]: json.loads(json.loads(row["attributes"])["products"])
        for row in company.rows("conversations")
        if "products" in json.loads(row["attributes"])
    }
    assert names == {
        str(c["convo_id"]): n for c in chats if (n := c["scenario"].get("product", {}).get("names")) is not None
    }


def test_multidogo_turns_are_messages_and_their_conversations_are_counted_once(tmp_path, monkeypatch):
    company = Company("multidogo", tmp_path, monkeypatch)
    company.land_all("chat_multidogo")
    counts = company.run()["multidogo"]
    turns = [
        row
        for domain in ("airline", "software")
        for part in ("dev", "test", "train")
        for row in table("chat_multidogo", f"{domain}_{part}.csv.gz")
    ]
    spoken = {row["utteranceId"]: row["utterance"].strip() for row in turns if row["utterance"].strip()}
    silent = sum(not row["utterance"].strip() for row in turns)
    talks = {row["conversationId"] for row in turns}
    assert {row["message_id"]: row["text"] for row in company.rows("messages")} == spoken
    assert Counter(row["conversation_id"] for row in company.rows("conversations")) == Counter(talks)
    assert company.set_aside() == {("messages", "text:not_null"): silent}
    assert counts == {
        "files": 12,
        "rows_in": 2 * len(turns),
        "accepted": len(spoken) + len(talks),
        "quarantined": silent,
        "duplicates": len(turns) - len(talks),
    }
