"""From a landed web file to an accepted e-mail, on the lake of the demo company.

    make demo && python -m benchmarks.moments [--limit 120]

On a copy of the demo's lake, the morning after its last day: customers with consent fill a basket, the file of these
visits lands, and the steps of the DAG `follow_moments` run in one process until the SMTP server of the benchmark has
accepted the first message. Told: seconds of each step, of the whole, and the ratio to the limit. The clock of the
moments stands on that morning and goes on with the run. Then the same day is run again, as at night: nothing may be
sent a second time. Airflow adds two to three seconds for each of its seven tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from examples.sandboxes import smtp
from jobs import pipeline
from jobs.activation import moments
from jobs.config.settings import Settings, load_settings
from jobs.ingest import not_loaded
from jobs.lake.queries import connect

AUDIENCE, DESTINATION = "open_basket", "email"
VISITORS = 40
"""Customers who fill a basket; some of them are held out of the audience."""
ABLE = """
    select c.customer_id, c.login_ids[1] as login
    from profiles.customers c join profiles.consent a using (customer_id)
    join profiles.contact_points p using (customer_id)
    where a.purpose = 'marketing' and a.channel = 'email' and a.status = 'granted' and p.kind = 'email'
      and len(c.login_ids) > 0
    group by all order by 1 limit ?"""


def main() -> None:
    """Print the seconds of each step and the ratio to the limit; exit 1 beyond it or if anything is sent twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=120, help="seconds from the file to the message")
    limit = parser.parse_args().limit
    demo = load_settings()
    with tempfile.TemporaryDirectory(prefix="klantreis-moments-") as folder:
        copied = _copy(demo, Path(folder))
        server = smtp.SmtpSandbox(Path(folder) / "smtp").start()
        try:
            os.environ["AIRFLOW_CONN_KLANTREIS_SMTP"] = f"smtp://127.0.0.1:{server.port}?security=none"
            raise SystemExit(_measure(copied, Path(folder), limit))
        finally:
            server.stop()


def _copy(demo: Settings, folder: Path) -> Settings:
    shutil.copytree(demo.lake, folder / "lake")
    os.environ |= {"KLANTREIS_LAKE": str(folder / "lake"), "KLANTREIS_LANDING": str(folder / "landing")}
    for source in demo.sources.values():
        (folder / "landing" / (source.folder or source.source)).mkdir(parents=True, exist_ok=True)
    return load_settings()


def _measure(settings: Settings, folder: Path, limit: float) -> int:
    ((newest,),) = connect(settings).sql("select max(day) from audiences.members").fetchall()
    day = newest + timedelta(days=1)
    morning, began = datetime(day.year, day.month, day.day, 9, tzinfo=UTC), time.monotonic()
    moments.now = lambda: morning + timedelta(seconds=time.monotonic() - began)
    _land(settings, folder, day, morning)
    landed = time.monotonic()
    for name, seconds in _steps(day, settings):
        print(f"{name}: {seconds:.1f} s")
    sent = len(smtp.received(folder / "smtp"))
    took = time.monotonic() - landed
    print(f"{sent} messages to {VISITORS} visitors within {took:.1f} s of the file: {took / limit:.2f} of the limit")
    moments.now = lambda: morning + timedelta(hours=20)
    for _ in _steps(day, settings):
        pass
    twice = len(smtp.received(folder / "smtp")) - sent
    print(f"the same day again at night: {twice} more messages")
    return int(took > limit or not sent or twice != 0)


def _land(settings: Settings, folder: Path, day: date, morning: datetime) -> None:
    """A file of visits that end in a basket, in the layout of the demo's web events."""
    able = connect(settings).execute(ABLE, [VISITORS]).fetchall()
    place = folder / "landing" / "web" / day.isoformat()
    place.mkdir()
    with (place / "events-0900.jsonl").open("w") as file:
        for customer, login in able:
            for number, kind in enumerate(("product_view", "add_to_cart", "checkout")):
                at = morning - timedelta(minutes=10 - number)
                file.write(json.dumps(_event(f"now-{customer}-{number}", kind, at, login)) + "\n")


def _event(event_id: str, kind: str, at: datetime, login: str) -> dict[str, object]:
    return {
        "event_id": event_id, "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "type": kind,
        "context": {"page": {"url": "https://shop.example/cart"}, "device": {"type": "mobile"}, "platform": "web"},
        "properties": {"product_id": "1"}, "user": {"login": login},
    }  # fmt: skip


def _steps(day: date, settings: Settings) -> Iterator[tuple[str, float]]:
    """The steps of the DAG, each with its seconds; nothing if no file waits, as in the DAG, but the push at night."""
    began = time.monotonic()
    yield f"{len(not_loaded.run(day, settings))} files wait", time.monotonic() - began
    for step in pipeline.STEPS:
        if step.name in ("paths", "train", "score"):
            continue
        parts = [(AUDIENCE, DESTINATION)] if step.name == "push" else step.parts(day, settings)
        began = time.monotonic()
        for part in parts:
            step.function(*part, day, settings)
        yield step.name, time.monotonic() - began


if __name__ == "__main__":
    main()
