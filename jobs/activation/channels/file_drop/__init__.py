"""Files for whoever reads them, as a type of destination. The channel is loaded when something is delivered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType
from jobs.activation.channels.file_drop.options import Options

if TYPE_CHECKING:
    from jobs.config.settings import Settings

_NAME = re.compile(r"^\w[\w.-]*$")


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.file_drop.channel import FileDropChannel

    return FileDropChannel(audience, destination, settings)


def _problems(audience: str, destination: str, settings: Settings) -> list[str]:
    name = settings.audiences[audience].send_to[destination].list_id or ""
    if _NAME.match(name):
        return []
    return [
        f"audience {audience}: send_to.{destination}.list_id {name!r} is the name of a folder: letters, digits, . _ -"
    ]


TYPE = DestinationType(
    kind="members", needs="list_id", options=Options, opens=_opens, problems=_problems, spelling="file-drop-1"
)
