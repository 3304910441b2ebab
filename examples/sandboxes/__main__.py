"""Start a sandbox in the foreground: `python -m examples.sandboxes NAME --port P --folder DIR`.

Each module of this folder that has a `SANDBOX` is one: smtp, data-manager.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path

from jobs.activation.channels.types import TYPES


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.sandboxes", description=__doc__)
    parser.add_argument("server", choices=sorted(one.sandbox.name for one in TYPES.values() if one.sandbox))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where what arrives is kept")
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        server = _start(chosen.server, chosen.host, chosen.port, chosen.folder)
    except OSError as error:
        sys.stderr.write(f"{chosen.server}: port {chosen.port} cannot be used ({error.strerror}); choose another\n")
        return 1
    sys.stdout.write(f"{chosen.server} listens on {chosen.host}:{chosen.port}, keeps what arrives in {chosen.folder}\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


def _start(kind: str, host: str, port: int, folder: Path):  # type: ignore[no-untyped-def]
    module = import_module(f"examples.sandboxes.{kind.replace('-', '_')}")
    return module.SANDBOX(folder, host, port).start()


if __name__ == "__main__":
    sys.exit(main())
