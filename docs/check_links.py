"""Check that every link within the built pages leads somewhere: to a file, and to a place in it.

    python docs/check_links.py docs/_build/html

Sphinx warns of links it makes itself; this reads what came out, whoever made it. Links to other
sites are left to `make linkcheck`, which needs a network.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Not pages, but templates that the theme brings along.
TEMPLATES = "_static"


class Page(HTMLParser):
    """Links and places of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        for name, value in attrs:
            if value is None:
                continue
            if name in ("href", "src"):
                self.links.append(value)
            elif name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)


def broken_links(folder: Path) -> list[str]:
    """Each link that leads nowhere, as 'page: link'."""
    paths = [p for p in sorted(folder.rglob("*.html")) if TEMPLATES not in p.parts]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    broken = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            known = target.is_file() and (
                not place or target not in pages or place in pages[target].places
            )
            if not known:
                broken.append(f"{path.relative_to(folder)}: {link}")
    return broken


def main() -> None:
    """Tell, and end with 1 if any link is broken."""
    folder = Path(sys.argv[1]).resolve()
    if not (folder / "index.html").is_file():
        raise SystemExit(f"{folder} holds no index.html: build the pages first, `make docs`.")
    broken = broken_links(folder)
    print(*broken, sep="\n", end="\n" if broken else "")
    print(f"{len(broken)} broken links within {folder}")
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
