"""A real mail server for tests, OpenSMTPD: it takes every message, passes it on, and reports what nobody takes.

It is two servers in one. Whoever sends talks to `port`; from its queue messages go on to the server of the customers'
domain, which takes them for `known` only, and blocks those to `blocked`; its refusals become reports to the envelope
sender, in a Maildir. The program knows one queue and one control socket per machine, so it runs where an own `/run`
and `/var/spool` lie over those of the machine, and with it ends everything that it started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.spark_server import free_port, stop, wait_for_port

ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--")
BOXES = "/run/boxes"
NOBODY = "65534:65534:/"
CONFIG = """
listen on 127.0.0.1 port {port} tag sender
filter blocked phase rcpt-to match rcpt-to regex "^<?{blocked}@" reject "550 5.7.1 Blocked"
listen on 127.0.0.1 port {customers} tag customers filter blocked
table known {{ {known} }}
table own {{ "bounces" = "{nobody}" }}
action "pass on" relay host "smtp://127.0.0.1:{customers}"
action "to customer" maildir "{boxes}/%{{user.username}}" userbase <known>
action "to ourselves" maildir "{boxes}/%{{user.username}}" userbase <own>
match from any for domain "{own}" action "to ourselves"
match tag customers from any for domain "{domain}" action "to customer"
match tag sender from any for any action "pass on"
"""


@dataclass(frozen=True)
class MailServer:
    """A server that runs. `boxes` has a Maildir per user, of those that got a mail."""

    port: int
    customers: int
    boxes: Path


def why_not() -> str | None:
    """Why OpenSMTPD cannot run here, and how to change that; None if it can."""
    if not _program():
        return "OpenSMTPD is missing: `apt-get install opensmtpd`"
    if os.getuid() != 0 or subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        return "OpenSMTPD needs root, and the right to make mount namespaces (CAP_SYS_ADMIN), to run alone"
    return None


@contextmanager
def mail_server(
    folder: Path, domain: str, known: Sequence[str], blocked: str, own: str, timeout: float = 120
) -> Iterator[MailServer]:
    """Run the server: `known` are users of the customers' `domain`, `bounces` is the one of our `own`."""
    found = MailServer(free_port(), free_port(), folder / "boxes")
    found.boxes.mkdir(parents=True)
    found.boxes.chmod(0o777)
    config, log = folder / "smtpd.conf", folder / "smtpd.log"
    users = ", ".join(f'"{user}" = "{NOBODY}"' for user in known)
    values = {"nobody": NOBODY, "boxes": BOXES, "port": found.port, "customers": found.customers}
    config.write_text(CONFIG.format(known=users, blocked=blocked, own=own, domain=domain, **values))
    config.chmod(0o600)
    script = 'mount -t tmpfs none /var/spool && mount -t tmpfs none /run && mkdir "$1" && mount --bind "$2" "$1"'
    script += ' && exec "$3" -d -v -f "$4"'
    command = [*ALONE, "sh", "-c", script, "sh", BOXES, found.boxes, str(_program()), config]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd="/", start_new_session=True)
        try:
            wait_for_port(server, found.port, timeout, log)
            yield found
        finally:
            stop(server)


def _program() -> str | None:
    return shutil.which("smtpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
