"""What is written here holds personal data: no other user of the machine may read it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.config.settings import Settings

OWN = 0o077
"""The umask of every process that is started here: files for their owner only (0600), folders too (0700)."""
FOLDERS = ("var", "mlruns")
"""Where a company's data, mails, logs, models and databases are, below its home."""


def keep_private(settings: Settings) -> None:
    """Close the folders of a company to others, also those that an earlier version, or a person, left open.

    A folder of another user, such as one that a container shares, is theirs to close.
    """
    for name in FOLDERS:
        folder = settings.home / name
        if not folder.is_dir():
            continue
        found = folder.stat()
        if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & OWN:
            folder.chmod(stat.S_IMODE(found.st_mode) & ~OWN)
