"""The address that a message comes back to, if it names the message (VERP): `bounces+{message}@shop.example`.

What stands in the place of `{message}` is the id of the operation that sent it and a signature of that: it names nobody
and cannot be made up. So a report is known by where it was sent to, however little it tells of what came back.
"""

from __future__ import annotations

import re

from jobs.activation.signature import is_signed, signature
from jobs.config.settings import Settings

MESSAGE = "{message}"
NAME_LENGTH = 48
"""Signs that take the place of `{message}`; servers may write them in capitals, and some do."""
_NAME = re.compile(r"([0-9a-f]{32})([0-9a-f]{16})@", re.ASCII | re.IGNORECASE)


def bounce_address(pattern: str, operation_id: str, settings: Settings) -> str:
    """The envelope sender of the message of that operation; `pattern` as it is, if it has no place for a name."""
    return pattern.replace(MESSAGE, operation_id + signature("bounce", operation_id, settings, 16))


def operation_named(text: str, settings: Settings) -> str:
    """The operation whose bounce address stands in a text, such as a header; "" if there is none that was signed."""
    for operation_id, signed in _NAME.findall(text):
        if is_signed(signed.lower(), "bounce", operation_id.lower(), settings, 16):
            return str(operation_id.lower())
    return ""
