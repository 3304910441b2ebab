"""Static segments (tags) of Mailchimp, by its Marketing API.

A person is made a contact first, then put in the segment. `status_if_new` says nothing about who is a contact already,
so who unsubscribed there stays unsubscribed. Who leaves the segment stays a contact; who is forgotten is deleted for
good. An answer of 200 may refuse rows: those are read one by one. One person is one contact: the first address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.mailchimp.options import Options
from jobs.activation.http_api import Answer, HttpApi, Meanings, base_url, code_of, credential
from jobs.activation.list_channel import Change, ListChannel, Taken
from jobs.activation.spelling import addresses
from jobs.config.connections import connection
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError


def _codes(status: int, body: Any) -> Sequence[str]:
    if isinstance(body, dict) and "title" in body:
        return [body["title"]]
    return ["overloaded"] if status == 403 else []  # a bare 403 is how it says that it is asked too often


MEANINGS = Meanings(_codes, {"overloaded": "again"})


class MailchimpChannel(ListChannel):
    """One static segment of one audience."""

    most = 500
    named = "Mailchimp"
    erases_by = "erase"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        super().__init__(audience, destination, settings)
        self._told = cast(Options, self.options)
        name = settings.destinations[destination].connection
        server = connection(name)
        key = credential(server, name, "the API key, such as 0123abcd-us6")
        _, _, region = key.rpartition("-")
        if not server.host and not region.isalnum():
            raise ConfigError([f"connection {name!r}: the API key does not end in its data centre, such as -us6"])
        base = base_url(server, f"https://{region}.api.mailchimp.com", name)
        self.api = HttpApi(base, self._told, MEANINGS, auth=("klantreis", key))
        self._audience = f"/{self._told.version}/lists/{self._told.audience_id}"
        self._segment = f"{self._audience}/segments/{self.list_id}"

    def rows(self, operation: Operation) -> list[str]:
        emails = addresses(operation.recipient.emails)
        return emails[:1] if operation.action == "add" else emails

    def send(self, change: Change, rows: list[Any]) -> Answer:
        if change == "erase":
            return self.each(rows, self._forget)
        if change == "remove":
            return self.api.call("POST", self._segment, json={"members_to_remove": rows})
        new = self._told.status_of_new
        members = [{"email_address": email, "email_type": "html", "status_if_new": new} for email in rows]
        asked = {"members": members, "update_existing": True, "sync_tags": False}
        made = self.api.call("POST", self._audience, params={"skip_merge_validation": "true"}, json=asked)
        if made.meaning != "done":
            return made
        refused = {one["email_address"].lower(): one.get("error_code") for one in made.body.get("errors", ())}
        known = [email for email in rows if email not in refused]
        put = self.api.call("POST", self._segment, json={"members_to_add": known}) if known else made
        if put.meaning != "done":
            return put
        for one in put.body.get("errors", ()) if known else ():
            refused |= {email.lower(): one.get("error_code") or "not_in_segment" for email in one["email_addresses"]}
        codes = {number: code_of(refused[email]) or "refused" for number, email in enumerate(rows) if email in refused}
        return Answer("done", body=codes)

    def taken(self, change: Change, answer: Answer, rows: list[Any]) -> Taken:
        if change == "remove":
            list(answer.body["errors"])  # of who was not in the segment, and so has left it
            return Taken()
        return Taken(answer.body)

    def check(self) -> Answer:
        return self.api.call("GET", self._segment, params={"fields": "id,type"})

    def _forget(self, email: str) -> Answer:
        name = hashlib.md5(email.encode()).hexdigest()  # as Mailchimp names contacts
        return self.api.call("POST", f"{self._audience}/members/{name}/actions/delete-permanent", or_gone=True)
