"""Start a sandbox in the foreground: `python -m examples.sandboxes smtp|data-manager --port P --folder DIR`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.sandboxes", description=__doc__)
    parser.add_argument("server", choices=["smtp", "data-manager"])
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
    if kind == "smtp":
        from examples.sandboxes.smtp import SmtpSandbox

        return SmtpSandbox(folder, host, port).start()
    from examples.sandboxes.data_manager import DataManagerSandbox

    return DataManagerSandbox(folder, host, port).start()


if __name__ == "__main__":
    sys.exit(main())
