"""How long it takes from files to the first plan of an audience, every step by command line, as a newcomer does it.

    python -m benchmarks.first_plan [--customers 2000]

`init` guesses, writes, checks and loads, and prints the first quarantine and the first profile; answers come from a
file. Then a destination and an audience are written, all steps are run, and the audience is planned. The seconds that a
person reads and writes are not in it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""Names as unlike as those of people: one name with a number behind it is one person, written otherwise."""
ANSWERS = "company: {timezone: Europe/Amsterdam, currency: EUR, country: NL, source: crm}\n"
DESTINATIONS = """destinations:
  files:
    type: file_drop
    channel: email
    connection: drop
    options: {to: out}
"""
AUDIENCE = """audience: buyers
title: Who ordered
goal: Thank people who ordered, for they tell others
owner: crm-team
stage: awareness
expires: 2099-12-31
where: known and orders_90d > 0
holdout: 0.1
purpose: marketing
send_to: {files: {list_id: buyers}}
"""


def files(home: Path, customers: int) -> None:
    """Customers, two in three of whom said yes, and the orders of each, on days of the last month."""
    day = time.strftime("%Y-%m-", time.gmtime(time.time() - 30 * 86400))
    with (home / "customers.csv").open("w") as file:
        file.write("customer_id,first_name,last_name,email,consent_status,updated_at\n")
        for n in range(customers):
            said = "subscribed" if n % 3 else "unsubscribed"
            word = hashlib.sha256(str(n).encode()).hexdigest().translate(LETTERS)
            person = f"{word[:6].title()},{word[6:14].title()},{word[14:24]}@example.org"
            file.write(f"K{n},{person},{said},{day}{n % 28 + 1:02}T10:00:00Z\n")
    with (home / "orders.csv").open("w") as file:
        file.write("order_id,customer_id,order_date,status,total\n")
        for n in range(2 * customers):
            file.write(f"B{n},K{n % customers},{day}{n % 28 + 1:02},paid,{n % 90 + 5}.50\n")
    (home / "answers.yaml").write_text(ANSWERS)


def timed(home: Path, *words: str) -> tuple[float, str]:
    """Seconds and output of one command. Raises RuntimeError with its output if it fails."""
    environment = {
        "KLANTREIS_HASH_KEY": "k" * 32,
        "AIRFLOW_CONN_DROP": "file://",
        **os.environ,
        "PYTHONPATH": str(ROOT),
    }
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *words], cwd=home, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"klantreis {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - started, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2000)
    customers = parser.parse_args().customers
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        files(home, customers)
        seconds = {}
        seconds["init: first load, quarantine and profile"], _ = timed(
            home, "init", "shop", "customers.csv", "orders.csv", "--answers", "answers.yaml"
        )
        (home / "shop" / "destinations.yaml").write_text(DESTINATIONS)
        (home / "shop" / "audiences").mkdir(exist_ok=True)
        (home / "shop" / "audiences" / "buyers.yaml").write_text(AUDIENCE)
        seconds["check"], _ = timed(home, "check", "--config", "shop")
        seconds["run: all steps to the plan"], _ = timed(home, "run", "--until", "plan", "--config", "shop")
        seconds["plan"], told = timed(home, "plan", "buyers", "--config", "shop")
    print(told)
    for step, took in {**seconds, f"from files of {customers:,} customers to the plan": sum(seconds.values())}.items():
        print(f"{took:>7.1f} s  {step}")


if __name__ == "__main__":
    main()
