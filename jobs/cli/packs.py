"""`klantreis packs`: companies of an industry to start from. A pack is a folder of examples/packs with a `config`;
a wheel has them in klantreis_packs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.console import console, load_settings, show
from jobs.config.wrong import CommandError, nearest

_ROOT = Path(__file__).resolve().parents[2]
_PLACES = [_ROOT / "examples" / "packs", _ROOT / "klantreis_packs"]
PACKS = next((one for one in _PLACES if one.is_dir()), _PLACES[-1])
app = typer.Typer(no_args_is_help=True, help="Companies of an industry, to start from.")
Name = Annotated[str, typer.Argument(help="The pack, as `klantreis packs list` has it.")]


@app.command("list")
def list_() -> None:
    """List the packs: the company, its sources, and how many journeys it has."""
    import yaml

    rows = []
    for name, folder in _packs().items():
        company = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))["company"]
        sources = ", ".join(sorted(path.stem for path in folder.glob("sources/*.yaml")))
        rows.append([name, company, sources, len(list(folder.glob("audiences/*.yaml")))])
    show("Packs", ["pack", "company", "sources", "journeys"], rows)


@app.command("show")
def show_(name: Name) -> None:
    """Show the journeys of a pack: what each is for, what it needs, and where it goes."""
    settings = load_settings(_pack(name))
    journeys = settings.audiences.values()
    rows = [
        [one.audience, one.goal, one.kpi, ", ".join(one.needs), one.purpose, ", ".join(one.send_to)] for one in journeys
    ]
    show(f"{name}: {settings.general.company}", ["journey", "goal", "kpi", "needs", "purpose", "goes to"], rows)
    console.print(
        f"What each says to a customer: {PACKS / name / 'README.md'}", markup=False, highlight=False, soft_wrap=True
    )


@app.command()
def use(name: Name, to: Annotated[Path, typer.Option("--to", help="A new or empty folder for your company.")]) -> None:
    """Copy a pack as a start for your own company. Raises CommandError for a folder that has anything in it."""
    folder = _pack(name)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise CommandError([f"--to {to}: it is there already; nothing is overwritten, name a new folder"])
    shutil.copytree(folder, to, dirs_exist_ok=True)
    console.print(
        f"Written: {to}. Put your files where sources/*.yaml say, delete sources you do not have, then: "
        f"klantreis check --config {to}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _packs() -> dict[str, Path]:
    return {path.parent.name: path for path in sorted(PACKS.glob("*/config"))}


def _pack(name: str) -> Path:
    packs = _packs()
    if name not in packs:
        raise CommandError([f"unknown pack {name!r}{nearest(name, packs)}"])
    return packs[name]
