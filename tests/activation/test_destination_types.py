"""What every type of destination must be, and a type of destination that nobody has heard of."""

import copy
import importlib
import inspect
import json
import sys
from pathlib import Path

import pytest

from jobs.activation.channel import Channel
from jobs.activation.channels import types
from jobs.activation.channels.types import TYPES
from jobs.config.actions.audiences import Delivery
from jobs.config.yaml_files import ConfigError
from tests.activation.small_company import AUDIENCE, CONFIG

EVERY_TYPE = pytest.mark.parametrize("name", sorted(TYPES))
CALLS = [name for name, found in vars(Channel).items() if inspect.isfunction(found) and not name.startswith("_")]
POSTCARDS = '''
from pathlib import Path

from jobs.activation.channel import DestinationType, Outcome
from jobs.config.yaml_files import Strict


class Options(Strict):
    """Where cards are dropped."""

    box: str


class Postcards:
    batch_size = 2

    def __init__(self, box):
        self.box = Path(box)

    def deliver(self, batch):
        with self.box.open("a") as box:
            box.writelines(f"{one.action} {one.recipient.emails[0]}\\n" for one in batch)
        return [Outcome(one.operation_id, "accepted") for one in batch]

    def settle(self, request_ids, batches, seconds=None):
        return []

    def erase(self, batch):
        return self.deliver(batch)

    def rehearse(self, batch):
        return []

    def close(self):
        pass


def describe(kind, needs):
    return DestinationType(
        kind=kind,
        needs=needs,
        options=Options,
        opens=lambda audience, destination, settings: Postcards(settings.destinations[destination].options.box),
    )
'''


def of_type(name):
    """An audience and the destination of that type it is sent to, both called as the type, and their files."""
    server = importlib.import_module(f"tests.servers.{name}").SERVER
    told = {"type": name, "channel": server.CONSENT, "connection": f"to_{name}", "options": server.OPTIONS}
    audience = {"audience": name, "title": "T", **AUDIENCE, "purpose": "ads", "send_to": {name: server.TO}}
    return {"destinations.yaml": {"destinations": {name: told}}, f"audiences/{name}.yaml": audience}


def changed_at(files, *keys, **values):
    """The files with these values at the end of the keys; None takes one away."""
    files = copy.deepcopy(files)
    place = files
    for key in keys:
        place = place[key]
    place.update(values)
    for key in [key for key, value in values.items() if value is None]:
        del place[key]
    return files


@EVERY_TYPE
def test_the_channel_of_a_type_has_the_calls_of_a_channel(name, settings, monkeypatch, tmp_path):
    loaded = settings(of_type(name))
    server = importlib.import_module(f"tests.servers.{name}").SERVER(tmp_path / "server").start()
    monkeypatch.setenv(f"AIRFLOW_CONN_TO_{name.upper()}", json.dumps(server.connection()))

    channel = types.open_channel(name, name, loaded)

    assert sorted(CALLS) == ["close", "deliver", "erase", "rehearse", "settle"]
    for call in CALLS:
        wanted = list(inspect.signature(getattr(Channel, call)).parameters)[1:]
        assert list(inspect.signature(getattr(channel, call)).parameters) == wanted, call
    assert channel.batch_size > 0
    channel.close()
    server.stop()


@EVERY_TYPE
def test_a_type_says_what_an_audience_must_give_it_and_an_audience_without_it_is_refused(name, settings):
    assert TYPES[name].needs in Delivery.model_fields
    bare = changed_at(of_type(name), f"audiences/{name}.yaml", "send_to", **{name: {}})
    with pytest.raises(ConfigError, match=f"{name}.yaml:[0-9]+: send_to.{name} needs '{TYPES[name].needs}'"):
        settings(bare)


@EVERY_TYPE
def test_an_unknown_option_is_refused_on_load_with_file_line_and_the_nearest_one(name, settings):
    option = next(iter(TYPES[name].options.model_fields))
    typo = option[:-1]
    with pytest.raises(ConfigError) as refused:
        settings(changed_at(of_type(name), "destinations.yaml", "destinations", name, "options", **{typo: "x"}))
    (problem,) = refused.value.problems
    file, line, told = problem.split(":", 2)
    written = Path(file).read_text().splitlines()
    assert written[int(line) - 1].strip() == f"{typo}: x"
    assert told == f" destinations.{name}.options.{typo}: unknown option; did you mean {option!r}?"


@EVERY_TYPE
def test_an_option_that_must_be_given_is_asked_for_on_load(name, settings):
    needed = [option for option, field in TYPES[name].options.model_fields.items() if field.is_required()]
    if not needed:
        settings(changed_at(of_type(name), "destinations.yaml", "destinations", name, options=None))
        return
    with pytest.raises(ConfigError) as refused:
        settings(changed_at(of_type(name), "destinations.yaml", "destinations", name, options=None))
    told = [problem.rpartition(": ")[2] for problem in refused.value.problems]
    assert told == [f"option {option!r} is missing; add it" for option in needed]


@pytest.mark.parametrize("name", sorted(name for name in TYPES if TYPES[name].sandbox))
def test_the_sandbox_of_a_type_starts_on_this_machine(name, tmp_path):
    module = importlib.import_module(f"examples.sandboxes.{TYPES[name].sandbox.name.replace('-', '_')}")
    running = module.SANDBOX(tmp_path / "server").start()
    assert running.port > 0
    running.stop()


def test_an_unknown_type_is_refused_with_the_nearest_one(settings):
    changed = copy.deepcopy(CONFIG["destinations.yaml"])
    changed["destinations"]["email"]["type"] = "smpt"
    with pytest.raises(ConfigError, match=r"destinations.yaml:\d+: destinations.email.type: .*did you mean 'smtp'"):
        settings({**CONFIG, "destinations.yaml": changed})


def test_the_file_by_its_old_name_gets_one_message_that_says_to_rename_it(settings):
    with pytest.raises(ConfigError) as refused:
        settings({"channels.yaml": CONFIG["destinations.yaml"], "destinations.yaml": None})
    (problem,) = refused.value.problems
    assert problem.endswith("/channels.yaml: this file is called destinations.yaml now; rename it, what it says stays")


@pytest.mark.parametrize(("kind", "needs", "action"), [("messages", "template", "send"), ("members", "list_id", "add")])
def test_a_type_of_destination_is_a_module_and_a_line(company, tmp_path, monkeypatch, kind, needs, action):
    (tmp_path / "postcards.py").write_text(POSTCARDS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "postcards", raising=False)
    monkeypatch.setitem(TYPES, "postcards", importlib.import_module("postcards").describe(kind, needs))
    box = tmp_path / "box.txt"
    audience = {"audience": "post", "title": "Post", **AUDIENCE, "purpose": "marketing"}
    files = {
        "destinations.yaml": {
            "destinations": {
                "cards": {"type": "postcards", "channel": "email", "connection": "c", "options": {"box": str(box)}}
            }
        },
        "audiences/post.yaml": {**audience, "send_to": {"cards": {needs: "spring"}}},
    }
    shop = company("post", files=files)
    shop.customers(3)

    counts = shop.push("post", "cards")

    assert counts["delivered"] == 3
    assert sorted(box.read_text().splitlines()) == [f"{action} c000{n}@mail.example" for n in (1, 2, 3)]
    assert shop.push("post", "cards") == counts, "a second push delivers nothing more"
    assert len(box.read_text().splitlines()) == 3
