"""Mailboxes that bounces and complaints come to: an IMAP server, or a Maildir on this machine."""

from __future__ import annotations

import imaplib
import mailbox
import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from jobs.config.actions.feedback import Mailbox
from jobs.config.connections import connection
from jobs.config.settings import Settings
from jobs.errors import StepFailed

SECONDS = 60
LARGEST = 10 << 20
"""Bytes of a mail that are read: the report comes first, what it returns may be of any size."""


class Box(Protocol):
    """A mailbox that is open."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Mails nobody has read, with a name to call them by; reading changes nothing."""

    def settle(self, done: Iterable[str], left: Iterable[str]) -> None:
        """Delete mails that were understood; mark others as read, for a person to look at."""


@contextmanager
def opened(name: str, box: Mailbox, settings: Settings) -> Iterator[Box]:
    """A mailbox of config/feedback.yaml. Raises StepFailed if it cannot be opened, or breaks off."""
    try:
        if box.maildir:
            yield _Maildir(settings.home / box.maildir)
            return
        server = connection(box.connection)
        imap = _greeted(server.host, server.port, str((server.extra or {}).get("security", "tls")))
        try:
            imap.login(server.login, server.password)
            yield _Imap(imap, box.folder)
        finally:
            with suppress(OSError, imaplib.IMAP4.error):  # a server that hangs up first has said goodbye too
                imap.logout()
    except (OSError, imaplib.IMAP4.error, mailbox.Error) as error:
        # An answer of a server may repeat the login; its kind is enough to know where to look.
        raise StepFailed(f"feedback.mailboxes.{name}: cannot be read: {type(error).__name__}; check it") from None


def _greeted(host: str, port: int | None, security: str) -> imaplib.IMAP4:
    if security == "none":
        return imaplib.IMAP4(host, port or 143, SECONDS)
    context = ssl.create_default_context()
    if security == "starttls":
        imap = imaplib.IMAP4(host, port or 143, SECONDS)
        imap.starttls(context)
        return imap
    return imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=SECONDS)


class _Imap:
    def __init__(self, imap: imaplib.IMAP4, folder: str):
        self._imap = imap
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", folder) + '"'
        if imap.select(quoted)[0] != "OK":
            raise imaplib.IMAP4.error("no such folder")

    def unread(self) -> Iterator[tuple[str, bytes]]:
        for name in self._told("SEARCH", "UNSEEN UNDELETED")[0].split():
            answer = self._told("FETCH", name.decode(), f"(BODY.PEEK[]<0.{LARGEST}>)")
            contents = [part[1] for part in answer if isinstance(part, tuple)]
            if contents:
                yield name.decode(), contents[0]

    def settle(self, done: Iterable[str], left: Iterable[str]) -> None:
        names = ",".join(done)
        if others := ",".join(left):
            self._told("STORE", others, "+FLAGS.SILENT", r"(\Seen)")
        if names:
            self._told("STORE", names, "+FLAGS.SILENT", r"(\Seen \Deleted)")
            if "UIDPLUS" in self._imap.capabilities:  # otherwise mails that others deleted would go along
                self._told("EXPUNGE", names)

    def _told(self, command: str, *arguments: str) -> list[Any]:
        state, answer = self._imap.uid(command, *arguments)
        if state != "OK":
            raise imaplib.IMAP4.error(f"{command} was refused")
        return [part for part in answer if part is not None] or [b""]


class _Maildir:
    def __init__(self, path: Any):
        if not path.is_dir():
            raise FileNotFoundError(path)
        self._box = mailbox.Maildir(path, create=False)

    def unread(self) -> Iterator[tuple[str, bytes]]:
        for name in sorted(self._box.keys()):
            if "S" not in self._box.get_message(name).get_flags():
                with self._box.get_file(name) as content:
                    yield name, content.read(LARGEST)

    def settle(self, done: Iterable[str], left: Iterable[str]) -> None:
        for name in done:
            self._box.discard(name)
        for name in left:
            message = self._box.get_message(name)
            message.set_subdir("cur")
            message.add_flag("S")
            self._box[name] = message
