"""`python -m examples.packs telecom --out DIR`: write the made-up company of a pack, to try its journeys on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from examples.packs.made_up import made_up

PACKS = Path(__file__).resolve().parent


def main(
    name: Annotated[str, typer.Argument(help="The pack, a folder of examples/packs.")],
    out: Annotated[Path, typer.Option(help="Folder to write: gets landing/ and truth/.")],
) -> None:
    """Write the landing files of a small company, day by day, and the truth beside them."""
    console = Console(stderr=True)
    known = sorted(path.parent.name for path in PACKS.glob("*/made_up.yaml"))
    if name not in known:
        console.print(f"[red]error:[/] there is no pack {name!r}; there are {', '.join(known)}")
        raise typer.Exit(2)
    if out.exists() and any(out.iterdir()):
        console.print(f"[red]error:[/] {out} is not empty; name another folder", soft_wrap=True)
        raise typer.Exit(2)
    company = made_up(PACKS / name)
    company.write(out)
    console.print(
        f"{len(company.people)} people, {len(company.files)} files, days {company.days[0]} to {company.days[-1]}"
    )


if __name__ == "__main__":
    typer.run(main)
