"""Build the documentation as a site, or check that it can be: `python -m docs.build [--check]`.

A link or anchor that leads nowhere fails the build, and so does a page that would load anything from another host or
has Markdown that was not read. With `--check` it is built into a folder that is thrown away, and searched in a browser
that may ask no host for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "var" / "site"
LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "src", "embed": "src", "object": "data"}
"""What a browser fetches by itself, by tag; of `link` it is what has one of these relations."""
FETCHED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
OUTSIDE = re.compile(r"(?:https?:)?//")


def main(check: bool) -> int:
    """Build the site into var/site; with `check` elsewhere, and search it. Returns 1 if anything is wrong with it."""
    if not check:
        return _built(SITE) or _told(problems(SITE))
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        return _built(site) or _told([*problems(site), *searched(site)])


def _built(site: Path) -> int:
    """Exit code of MkDocs; what it warns of fails it."""
    if not shutil.which("mkdocs", path=str(Path(sys.executable).parent)):
        return _told(["MkDocs is not installed: `make site` installs the group `docs` and builds"])
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    return _told([done.stderr.strip()]) if done.returncode else 0


def _told(wrong: list[str]) -> int:
    sys.stderr.write("".join(f"{one}\n" for one in wrong))
    return 1 if wrong else 0


class _Page(HTMLParser):
    """Addresses that a page loads, and text of it outside of code."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("code", "pre", "script", "style"):
            self._inside.append(tag)
        if tag == "link" and FETCHED_LINKS & set((values.get("rel") or "").split()):
            self.loads.append(values.get("href") or "")
        elif tag in LOADS:
            self.loads.append(values.get(LOADS[tag]) or "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text.append(data)


def problems(site: Path) -> list[str]:
    """What is wrong with the pages and styles of a built site, file by file."""
    return [f"{file.relative_to(site)}: {wrong}" for file in sorted(site.rglob("*")) for wrong in _of_file(file)]


def _of_file(file: Path) -> Iterator[str]:
    if file.suffix == ".css":
        for address in re.findall(r"""(?:url\(|@import\s)\s*["']?([^"')\s]+)""", file.read_text(encoding="utf-8")):
            if OUTSIDE.match(address):
                yield f"loads {address}"
    if file.suffix == ".html":
        page = _Page()
        page.feed(file.read_text(encoding="utf-8"))
        yield from (f"loads {address}" for address in page.loads if OUTSIDE.match(address))
        text = "".join(page.text)
        for left in re.findall(r"(?m)^(?:```.*|[-*] .+|\|.+\|)$|\]\([^)\s]+\)", text):
            yield f"Markdown that was not read, a blank line before it may be missing: {left[:80]}"


def searched(site: Path) -> list[str]:
    """What is wrong when the site is opened as files, without a network, and searched."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        sys.stderr.write("not searched in a browser: Chromium is not installed\n")
        return []
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.on("request", lambda asked: None if asked.url.startswith("file:") else wrong.append(f"asks {asked.url}"))
        page.on("pageerror", lambda error: wrong.append(f"the browser says: {error}"))
        page.goto((site / "index.html").as_uri())
        page.locator(".md-search__input").fill("quarantine replay")
        found = page.locator(".md-search-result__item").first
        try:
            found.wait_for(timeout=60_000)
        except Exception as error:
            wrong.append(f"search finds nothing: {str(error).splitlines()[0]}")
        browser.close()
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(check="--check" in sys.argv))
