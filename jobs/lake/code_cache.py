"""What files of code say, kept between processes: reading a hundred of them takes a third of a second.

Kept where Python keeps what it has compiled, by a hash of the text, so that it is never about another text. Where
nothing can be written, each process reads them anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

MOST = 5_000
"""Texts kept; when there are more, only those of this process are."""


class Kept:
    """Answers about texts, by their text; `maker` is the source of what answers, since another may answer otherwise."""

    def __init__(self, folder: Path, maker: bytes) -> None:
        self._path = folder / f"code.{sys.implementation.cache_tag}.json"
        self._maker = hashlib.sha256(maker).hexdigest()
        self._known: dict[str, Any] = self._read()
        self._new: dict[str, Any] = {}

    def get(self, text: bytes) -> Any:
        """The answer as JSON gives it, or None."""
        return self._known.get(self._key(text))

    def put(self, text: bytes, answer: Any) -> None:
        """Note an answer; `save` keeps it."""
        self._new[self._key(text)] = answer

    def save(self) -> None:
        """Keep what is new, unless it cannot be written. Of two processes that save at once, one keeps."""
        if not self._new:
            return
        known = self._read() | self._new
        self._known = known if len(known) <= MOST else self._new
        self._new = {}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            file, draft = tempfile.mkstemp(dir=self._path.parent, prefix="code.")
            with os.fdopen(file, "w") as draft_file:
                json.dump(self._known, draft_file)
            os.replace(draft, self._path)

    def _key(self, text: bytes) -> str:
        return hashlib.sha256(self._maker.encode() + text).hexdigest()

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
