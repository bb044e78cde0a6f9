"""The page of a data map: one file of HTML that needs no network and allows none."""

from __future__ import annotations

import base64
import hashlib
import html
from importlib.resources import files

from sklearn_carto._utils._files import new_file

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div id="sc-root"><p>The map is being read.</p></div>
<noscript><p>This page needs JavaScript. It loads nothing from elsewhere.</p></noscript>
<script type="application/octet-stream" id="sc-payload">{payload}</script>
<script>{script}</script>
</body>
</html>
"""


def bundle(name):
    """Return a built file of the explorer."""
    return (files("sklearn_carto._explorer") / "bundle" / name).read_text(encoding="utf-8")


def render_page(payload, title):
    """Return the page as text.

    The payload is base64, so that nothing of the rows can end the element that holds it. The
    policy allows this one script and style by their digests, pictures from memory, and no request.
    """
    script, style = bundle("page.js"), bundle("explorer.css")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src blob: data:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(title.encode("utf-8", "replace").decode()),
        style=style,
        script=script,
        payload=base64.b64encode(payload).decode("ascii"),
    )


def write_page(path, payload, title):
    """Write the page to a file, whole or not at all."""
    page = render_page(payload, title).encode("utf-8")
    with new_file(path) as file:
        file.write(page)


def _digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
