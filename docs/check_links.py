"""Check the links of the built site: ``python docs/check_links.py docs/_build/html``.

Pages, files and places that links of a page name must exist. Links to other sites are not opened,
since no network is needed to build: their form is checked, and they are listed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places that links may name."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places = [], {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Collect what a tag links to, and its name."""
        attrs = dict(attrs)
        self.places |= {attrs[name] for name in ("id", "name") if attrs.get(name)}
        self.links += [attrs[name] for name in ("href", "src") if attrs.get(name)]


def broken_links(folder):
    """List the broken links of a folder of pages, and all links to other sites."""
    folder = folder.resolve()
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: Page(path) for path in paths}
    broken, others = [], set()
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("mailto", "data"):
                continue
            if parts.scheme or parts.netloc:
                others.add(link)
                right = parts.scheme in ("http", "https") and "." in parts.netloc
                right = right and not set(" $<>{}") & set(link)
                problem = None if right else "not the address of a site"
            else:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                target = target / "index.html" if target.is_dir() else target
                problem = None
                if not target.is_file():
                    problem = "no such file"
                elif target in pages and unquote(parts.fragment) not in pages[target].places:
                    problem = "no such place in the page"
            if problem:
                broken.append(f"{path.relative_to(folder)}: {link}: {problem}")
    return broken, sorted(others)


if __name__ == "__main__":
    broken, others = broken_links(Path(sys.argv[1]))
    print(*others, sep="\n")
    print(f"{len(others)} links to other sites were not opened; {len(broken)} links are broken")
    print(*broken, sep="\n")
    sys.exit(bool(broken))
