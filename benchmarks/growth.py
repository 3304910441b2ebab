"""What a day costs after a year: a small company lived day by day, with maintenance every week.

    python -m benchmarks.growth [--size 0.01] [--days 400] [--until plan]

The demo company at `--size` (1 % is about 25 households of the real year, with all their orders, visits, surveys and
chats) is written for its whole year and lived from its first day; each day goes through all steps up to `--until`. Days
around the 20th are compared with the last ones by the time of the processor, since other programs make seconds longer;
it fails where the last cost more than 1.2 times as much, or a step failed. Files and log are told beside it, after a
clean-up that keeps no old versions: in a year of calendar days those of the last week stay.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1.2
EARLY, LATE, WEEK = (10, 30), 20, 7
"""Days that count as those around the 20th, how many of the last are compared with them, days between maintenance."""


class Day(NamedTuple):
    """Seconds of the processor and by the clock; files of the lake, their megabytes, and the entries of its logs."""

    busy: float
    seconds: float
    files: int
    megabytes: float
    entries: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.01, help="1 is the whole demo company")
    parser.add_argument("--days", type=int, default=400, help="at most; the real year ends sooner")
    parser.add_argument("--until", default="plan", help="the last step of each day")
    chosen = parser.parse_args()
    work = ROOT / "var" / "bench" / f"growth-{chosen.size:g}"
    settings, first, last = _company(work, chosen.size)
    days = [first + timedelta(days=number) for number in range(min(chosen.days, (last - first).days + 1))]
    lived: list[Day] = []
    for number, day in enumerate(days, start=1):
        found = _live(day, settings, chosen.until, upkeep=number % WEEK == 0)
        lived.append(found)
        if number in (1, 20) or number % 50 == 0 or day == days[-1]:
            print(
                f"day {number:3} ({day}): {found.busy:.1f} s of the processor, {found.seconds:.1f} s; {found.files:,} "
                f"files, {found.megabytes:,.0f} MB, {found.entries:,} entries of logs",
                flush=True,
            )
    if len(lived) < EARLY[1] + LATE:
        print(f"{len(lived)} days are too few to compare: at least {EARLY[1] + LATE}")
        return 0
    early = statistics.median(day.busy for day in lived[slice(*EARLY)])
    late = statistics.median(day.busy for day in lived[-LATE:])
    print(f"a day around the 20th {early:.2f} s, of the last {LATE} {late:.2f} s: {late / early:.2f} (limit {LIMIT:g})")
    return 0 if late <= LIMIT * early else 1


def _company(work: Path, size: float) -> tuple[Any, date, date]:
    """The settings of a company with an empty lake, whose files have landed, and its first and last day."""
    from examples.retail import clock
    from examples.retail.build import Plan, build
    from jobs.config.settings import load_settings

    for name in [name for name in os.environ if name.startswith("KLANTREIS_")]:
        del os.environ[name]  # the settings of the machine must not reach the benchmark
    os.environ |= {"KLANTREIS_HOME": str(work), "KLANTREIS_HASH_KEY": "benchmark"}
    if not (work / "var" / "landing").exists():
        build(Plan(size, 1, clock.FIRST_DAY, clock.LAST_DAY), work / "var")
    for left in ("var/lake", "var/data_docs", "mlruns"):
        shutil.rmtree(work / left, ignore_errors=True)
    return load_settings(ROOT / "config"), clock.FIRST_DAY, clock.LAST_DAY


def _live(day: date, settings: Any, until: str, upkeep: bool) -> Day:
    from jobs import pipeline
    from jobs.lake import maintenance

    busy, started = time.process_time(), time.monotonic()
    for outcome in pipeline.run_day(day, settings, until=until):
        if outcome.error:
            raise SystemExit(f"{day}: {outcome.step} {outcome.part} failed: {outcome.error}")
    cost = time.process_time() - busy, time.monotonic() - started
    if upkeep:
        maintenance.KEEP_HOURS = 0
        maintenance.run(day, settings)
    lake = Path(settings.lake)
    files = [path for path in lake.rglob("*") if path.is_file()]
    entries = sum(path.parent.name == "_delta_log" and path.suffix == ".json" for path in files)
    return Day(*cost, len(files), sum(path.stat().st_size for path in files) / 1e6, entries)


if __name__ == "__main__":
    sys.exit(main())
