"""The page of a data map: one file of HTML that needs no network and allows none."""

from __future__ import annotations

import base64
import hashlib
import html
from importlib.resources import files

import numpy as np

from sklearn_carto._utils._files import new_file

_ALPHABET = np.array([code for code in range(0x21, 0x7F) if chr(code) not in "<>&"], dtype=np.uint8)
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

    The payload is letters and signs without ``<``, so that nothing of the rows can end the element
    that holds it. The policy allows this one script and style by their digests, pictures from
    memory, and no request.
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
        payload=to_characters(payload),
    )


def write_page(path, payload, title):
    """Write the page to a file, whole or not at all."""
    page = render_page(payload, title).encode("utf-8")
    with new_file(path) as file:
        file.write(page)


def to_characters(data):
    """Write bytes as printable characters of ASCII other than ``<``, ``>``, ``&`` and blanks.

    Two of 91 characters stand for 13 bits, which takes 23 % more than the bytes, where base64 takes
    33 %. The end is filled up with zeros; the container does not read it.

    Examples
    --------
    >>> to_characters(b"carto")
    "v$',Gr!!!!!!!!!!"
    """
    values = np.frombuffer(data + bytes(-len(data) % 13), dtype=np.uint8)
    parts = []
    for start in range(0, len(values), 13 << 16):
        bits = np.unpackbits(values[start : start + (13 << 16)], bitorder="little")
        groups = bits.reshape(-1, 13) @ (1 << np.arange(13))
        pairs = np.stack([groups % 91, groups // 91], axis=1)
        parts.append(_ALPHABET[pairs].tobytes())
    return b"".join(parts).decode("ascii")


def _digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
