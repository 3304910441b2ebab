"""What MkDocs does not do by itself: pages of the site that stand elsewhere in the repository, and links to its files.

Every page reads well in the repository, too, so its links are those of the repository.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/sources/README.md": "guides/source-layouts.md",
}
"""Pages of the site by the file they are made of."""
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")
"""A link to a file: its text, the file and the place in it."""

FRAGMENT = re.compile(r"(?m)^(\s*```)yaml fragment$")
"""A block that is a part of a file; the word is for the tests of the guides."""


def on_config(config: Any) -> Any:
    """A guide that `nav` of mkdocs.yml has no place for stands at the end of the guides, under *More*."""
    guides = next(part["Guides"] for part in config.nav if "Guides" in part)
    found = sorted(f"guides/{path.name}" for path in (ROOT / "docs" / "guides").glob("*.md"))
    if more := [page for page in found if page not in _pages(config.nav)]:
        guides.append({"More": more})
    return config


def _pages(nav: Any) -> set[str]:
    """Every page that is somewhere in a part of `nav`."""
    if isinstance(nav, str):
        return {nav}
    return set().union(*(_pages(part) for part in (nav.values() if isinstance(nav, dict) else nav)))


def on_files(files: Any, config: Any) -> Any:
    """The pages of ELSEWHERE beside those of docs/."""
    from mkdocs.structure.files import File

    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links lead to the page that was made of a file; what is a file of the repository only is named."""
    here = page.file.src_uri
    stands = next((source for source, made in ELSEWHERE.items() if made == here), f"docs/{here}")

    def site_link(found: re.Match[str]) -> str:
        text, path, place = found[1], found[2], found[3] or ""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(stands), path))
        made = ELSEWHERE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if made is None and (ROOT / target).exists():
            return f"{text} (`{target}`)" if "`" not in text else text
        if made is None:
            return found[0]  # leads nowhere: strict mode says so
        return f"[{text}]({os.path.relpath(made, posixpath.dirname(here) or '.')}{place})"

    return LINK.sub(site_link, FRAGMENT.sub(r"\1yaml", markdown))
