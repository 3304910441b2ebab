"""`klantreis content`: the texts that are sent, and who approved of which."""

from __future__ import annotations

import getpass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import Config, Format, answer, console, load_settings
from jobs.config.wrong import CommandError

if TYPE_CHECKING:
    from jobs.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The texts that are sent, and who approved of which.")
Names = Annotated[list[str], typer.Argument(help="Files, as winback.nl.txt, or a template for all its files.")]
LISTED = ("template", "actions", "needs", "state", "by", "on", "hash")


@app.command("list")
def list_(
    form: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    config: Config = None,
) -> None:
    """Show every text: which actions send it, whether it needs approval, how it stands, who approved of it."""
    answer(LISTED, [[row[name] for name in LISTED] for row in listed(load_settings(config))], form)


@app.command()
def show(names: Names, config: Config = None) -> None:
    """Print texts as they are in the files, each with its hash and how it stands."""
    from jobs.content import approval

    for one in approval.chosen(names, load_settings(config)):
        given = f", last approval by {one.approval.by} on {one.approval.on}" if one.approval else ""
        console.print(f"{one.template}: {one.state}{given}", markup=False, highlight=False, soft_wrap=True)
        console.print(f"hash {one.hash}\n", markup=False, highlight=False, soft_wrap=True)
        console.print(one.text, markup=False, highlight=False, soft_wrap=True)


@app.command()
def approve(
    names: Names,
    by: Annotated[str | None, typer.Option("--by", help="Who read them; default: who is logged in here.")] = None,
    because: Annotated[str | None, typer.Option("--because", help="Why, or where it was agreed; it is kept.")] = None,
    as_shown: Annotated[
        str | None, typer.Option("--hash", help="Only if this is still its hash, as `show` printed it; of one file.")
    ] = None,
    config: Config = None,
) -> None:
    """Approve of texts as they are now: with a person's name, the day and the hash, in templates/approvals.yaml."""
    from jobs.config.actions.content import APPROVALS
    from jobs.content import approval, brand

    settings = load_settings(config)
    texts = approval.chosen(names, settings)
    if as_shown is not None:
        if len(texts) > 1:
            raise CommandError(
                [f"--hash: is of one file, but {len(texts)} are meant; name one, such as winback.nl.txt"]
            )
        if len(as_shown) < 8 or not texts[0].hash.startswith(as_shown.lower()):
            now = f"{texts[0].template} has the hash {texts[0].hash} now"
            raise CommandError([f"--hash {as_shown}: {now}: read it again with klantreis content show"])
    signed = (by or getpass.getuser()).strip()
    if not signed:
        raise CommandError(["--by: say who approves"])
    if wrong := brand.problems(settings, [one.template for one in texts]):
        raise CommandError(wrong)
    done = list(approval.approve(texts, signed, because, date.today(), settings))
    for one in done:
        console.print(f"{one.template}: approved by {signed}, {one.hash[:12]}", highlight=False, soft_wrap=True)
    if not done:
        console.print("Nothing to approve: these texts were approved of as they are.")
    elif changed := [one.template for one in done if one.state != "approved"]:
        raise CommandError([f"{', '.join(changed)}: changed while it was being approved; read it again"])
    else:
        console.print(f"Written to {settings.folder / APPROVALS}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def gaps(
    everything: Annotated[bool, typer.Option("--all", help="Also where there is content.")] = False,
    form: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    config: Config = None,
) -> None:
    """Show which content is missing: by micro-moment, stage, need, language and action, in each language."""
    from jobs.activation.channels.types import type_of
    from jobs.content import gaps as missing
    from jobs.lake.queries import connect, views_of

    settings = load_settings(config)
    database = connect(settings, only=("newest.content", "profiles.customers", "journeys.stages", "journeys.moments"))
    there = views_of(database)
    items = missing.catalogue_of(database, there)
    texts = missing.texts_of(settings, lambda to: type_of(to, settings).templates, date.today())
    rows = missing.gaps(items, texts, missing.wanted_by(settings, items), missing.customers_of(database, there))
    shown = [row for row in rows if everything or row["gap"]]
    answer(missing.COLUMNS, [[row[name] for name in missing.COLUMNS] for row in shown], form)
    if form is Format.TABLE:
        if not items:
            console.print("No item of content is in the lake: load a dataset `content` to see what it covers.")
        console.print(f"{sum(row['gap'] for row in rows):,} gaps of {len(rows):,}", highlight=False)


@app.command()
def propose(
    action: Annotated[str, typer.Argument(help="The action that the texts are for.")],
    language: Annotated[str, typer.Option("--language", help="Language of the texts, as nl.")],
    number: Annotated[int, typer.Option("--number", min=1, max=10, help="So many texts, at most.")] = 2,
    facts: Annotated[
        list[str] | None, typer.Option("--fact", help="Item of the catalogue; default: those that fit the action best.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="From patterns, though a model is configured.")] = False,
    config: Config = None,
) -> None:
    """Propose texts for an action, as files that need a person's approval; from patterns, or by a model."""
    from jobs.activation.channels.types import type_of
    from jobs.content import gaps as missing
    from jobs.lake.queries import connect, views_of
    from jobs.proposals import propose as proposing
    from jobs.proposals.brief import brief_of
    from jobs.proposals.model import Model
    from jobs.proposals.patterns import Patterns

    settings = load_settings(config)
    database = connect(settings, only=("newest.content",))
    items = missing.catalogue_of(database, views_of(database))
    to = list(settings.audiences[action].send_to) if action in settings.audiences else []
    endings = [end for destination in to for end in type_of(destination, settings).templates]
    if to and not endings:
        raise CommandError([f"{action}: none of its destinations sends texts; choose an action that writes"])
    brief = brief_of(action, language, "sms" if endings[:1] == ["sms"] else "txt", items, facts or [], settings)
    options = settings.content.rules.proposals
    model = Model(options) if options and not offline else None
    provider = model or Patterns()
    try:
        kept, refused = proposing.held(brief, provider, number, settings)
    finally:
        if model:
            model.close()
            used = f"{model.name}: {model.calls} calls, {model.tokens:,} tokens"
            console.print(used, markup=False, highlight=False, soft_wrap=True)
    for one in refused:
        told = f"Not kept, text {one.number}: {one.why}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    if not kept:
        raise CommandError([f"{provider.name}: no text was kept; name other facts by --fact, or write it yourself"])
    names = proposing.write(kept, brief, provider.name, date.today(), settings)
    for name in names:
        console.print(f"Proposed: {name}", markup=False, highlight=False, soft_wrap=True)
    templates = ", ".join(dict.fromkeys(name.rsplit(".", 2)[0] for name in names))
    console.print(
        "Read them (klantreis content show ...), approve what is right (klantreis content approve ...), and name it "
        f"as `template` of an action: {templates}", markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def listed(settings: Settings) -> list[dict[str, Any]]:
    """Every text, with the values that `list` shows."""
    from jobs.activation import approved_content
    from jobs.content import approval
    from jobs.content.standing import read

    used = approved_content.used_by(settings)
    rows = []
    for name in approval.all_files(settings.folder):
        one, actions = read(name, settings.folder, settings.content), used.get(name, [])
        template = name.rsplit(".", 2)[0]
        needs = any(approval.asked(settings.audiences[action], template, settings) for action in actions)
        given = one.approval
        rows.append(
            {
                "template": name,
                "actions": ", ".join(actions),
                "needs": "approval" if needs else "",
                "state": one.state,
                "by": given.by if given else None,
                "on": given.on.isoformat() if given else None,
                "hash": one.hash[:12],
            }
        )
    return rows
