"""Let every channel fail in every way its contract server can, by a seed, and compare the ledger with the server.

`python -m benchmarks.channels --rounds 4 --seed 1` prints a table, channel by fault: how many faults happened, and what
was wrong afterwards: people the ledger says are there who are not (lost), who got a message twice (twice), who are
there though the ledger says they are not (extra), and what no further push settled (open). `--speed N` shows instead
how fast N members go to a list, beside how fast the server can take them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.activation.channel import Channel
from jobs.activation.channels.types import open_channel
from jobs.activation.push import _Push
from jobs.activation.reconciliation import Account
from jobs.config.settings import Settings, load_settings
from jobs.lake.lake import Lake
from tests.activation.small_company import DAY, email, phone
from tests.servers import bench
from tests.servers.base import FAULTS, GARBLED, SLOWEST, ContractServer, HttpServer

MOST_PUSHES = 8
"""After so many pushes what is open stays open."""

WRONGS = ("lost", "twice", "extra", "open")
Wrong = Counter[str]


class Trial:
    """One channel with its server and a ledger."""

    def __init__(self, name: str, folder: Path, settings: Settings, chance: random.Random) -> None:
        self.name, self.settings, self.chance = name, settings, chance
        self.server: ContractServer = bench.SERVERS[name](folder / name).start()
        os.environ[f"AIRFLOW_CONN_TO_{name.upper()}"] = json.dumps(self.server.connection())
        self.channel: Channel = open_channel(f"for_{name}", name, settings)
        self.lake = Lake(str(folder / "lake" / name))
        self.attempt, self.people = 0, 0

    def close(self) -> None:
        self.channel.close()
        self.server.stop()

    def round(self, fault: str) -> tuple[int, Wrong]:
        """A push with the fault, then pushes until all is settled; faults that happened and what is wrong."""
        times = self.chance.randint(1, 5)
        if self.server.KIND == "members":
            names = self.chance.sample([f"c{n:04d}" for n in range(1, 21)], self.chance.randint(1, 8))
            action = self.chance.choice(["add", "add", "remove"])
        else:
            names = [f"c{self.people + n:04d}" for n in range(1, self.chance.randint(2, 6))]
            self.people, action = self.people + len(names), "send"
        self.server.fail(fault, times)
        left = names
        for _ in range(MOST_PUSHES):
            left = self.push(left, action)
            if not left:
                break
        happened = times
        if isinstance(self.server, HttpServer):
            happened -= len(self.server._faults)
            self.server._faults.clear()
        return happened, self.wrong() + Counter(open=len(left))

    def push(self, names: list[str], action: Any) -> list[str]:
        """One push of these people; who is to be pushed again."""
        self.attempt += 1
        todo = [bench.operation(one, action, attempt=self.attempt) for one in names]
        account = Account(f"for_{self.name}", self.name, DAY, members=len(todo))
        _Push(f"for_{self.name}", self.name, DAY, self.settings, self.lake, account).carry_out(self.channel, todo)
        newest = self.newest()
        done = ("accepted",) if action != "send" else ("accepted", "unknown", "claimed")
        return [one for one in names if newest[one][1] not in done]

    def newest(self) -> dict[str, tuple[str, str]]:
        """Customer to the newest try: what was to be done, and its state."""
        rank = ("claimed", "submitted", "unknown", "partial", "rejected", "accepted").index
        rows = self.lake.arrow("activation/ledger").to_pylist()
        rows.sort(key=lambda row: (row["attempt"], rank(row["state"])))
        return {row["customer_id"]: (row["action"], row["state"]) for row in rows}

    def wrong(self) -> Wrong:
        newest, server, found = self.newest(), self.server, Counter[str]()
        keys = {one: server.key(email(one), phone(one)) for one in newest}
        held = server.held()
        there = {one for one, (action, state) in newest.items() if state == "accepted" and action != "remove"}
        maybe = {one for one, (_, state) in newest.items() if state not in ("accepted", "rejected")}
        found["lost"] = sum(not keys[one] <= held for one in there)
        found["extra"] = sum(bool(keys[one] & held) for one in newest if one not in there | maybe)
        if server.KIND == "messages":
            found["twice"] = sum(server.times(key) > 1 for one in newest for key in keys[one])
        return found


def fault_run(rounds: int, seed: int, console: Console) -> bool:
    """Every channel, every fault, so many rounds; prints the table and whether all is well."""
    table = Table("channel", *FAULTS, GARBLED, *WRONGS)
    total, amiss = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder) / "company")
        for name, server in bench.SERVERS.items():
            trial = Trial(name, Path(folder), _waiting(settings, name, SLOWEST), random.Random(f"{seed} {name}"))
            happened, wrong = Counter[str](), Counter[str]()
            for _ in range(rounds):
                for fault in server.AFTER:
                    count, after = trial.round(fault)
                    happened[fault] += count
                    wrong |= after
            trial.close()
            total, amiss = total + happened.total(), amiss + wrong
            cells = [str(happened[fault]) if fault in server.AFTER else "-" for fault in (*FAULTS, GARBLED)]
            table.add_row(name, *cells, *(str(wrong[kind]) for kind in WRONGS))
            console.print(f"{name}: {happened.total()} faults")
    console.print(table)
    console.print(f"{total} faults (seed {seed}): {dict(+amiss) or 'nothing lost, sent twice or left behind'}")
    return not +amiss


def speed(members: int, console: Console) -> None:
    """How long it takes to spell and to deliver so many members, beside the requests alone, for lists over HTTP."""
    table = Table("channel", "members", "spelling, CPU s", "delivery, CPU s", "server alone, CPU s", "ratio")
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder) / "company")
        for name in ("meta_ads", "linkedin_ads"):
            trial = Trial(name, Path(folder), _waiting(settings, name, 300), random.Random(1))
            batch = [bench.operation(f"c{n:07d}", "add") for n in range(members)]
            spelling = _cpu(lambda: [trial.channel.rows(one) for one in batch])  # noqa: B023
            delivery = _cpu(lambda: trial.channel.deliver(batch))  # noqa: B023
            alone = _cpu(lambda: _again(trial.server))  # noqa: B023
            figures = (spelling, delivery, alone, delivery / alone)
            table.add_row(name, str(members), *(f"{one:.2f}" for one in figures))
            trial.close()
    console.print(table)


def _cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of this process, which the server runs in too."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _again(server: Any) -> None:
    """The same requests, ready made, one after the other."""
    import httpx

    calls = [call for call in server.calls if call.method == "POST"]
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=300) as client:
        for call in calls:
            headers = {name: value for name, value in call.headers.items() if name.lower() != "host"}
            client.request(call.method, call.target, content=call.body, headers=headers).raise_for_status()


def _settings(folder: Path) -> Settings:
    folder.mkdir(parents=True)
    os.environ.setdefault("KLANTREIS_HASH_KEY", "of-the-benchmark")
    os.environ["KLANTREIS_HOME"] = str(folder)
    return load_settings(bench.write_company(folder))


def _waiting(settings: Settings, name: str, seconds: float) -> Settings:
    """The company with so long a wait for an answer of that destination."""
    one = settings.destinations[name]
    patient = one.model_copy(update={"options": one.options.model_copy(update={"timeout_seconds": seconds})})
    return dataclasses.replace(settings, destinations=settings.destinations | {name: patient})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each fault at each channel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=int, help="members to deliver, instead of faults")
    chosen = parser.parse_args()
    console = Console(width=200)
    if chosen.speed:
        speed(chosen.speed, console)
        return 0
    return 0 if fault_run(chosen.rounds, chosen.seed, console) else 1


if __name__ == "__main__":
    sys.exit(main())
