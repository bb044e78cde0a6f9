"""Links to the reference: names of the library in the text of pages, and in docstrings.

Pages name things as code, `DataMap.select`, which code hosts show as it is. On the site such a name
is a link, and so is what a docstring calls by its name alone.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

CODE = re.compile(r"([A-Za-z_][\w.]*)(?:\(.*\))?", flags=re.DOTALL)


def entries_by_name(env):
    """Map each name of the reference, and each end of one, to its entry; None if it is of several.

    ``sklearn_carto.metrics.aum`` is also ``metrics.aum`` and ``aum``. The shorter name wins: a
    class over what integrations name alike.
    """
    objects = env.domains["py"].objects
    found = {}
    for name in sorted(objects, key=lambda name: name.count(".")):
        parts = name.split(".")
        for i in range(len(parts)):
            end = ".".join(parts[i:])
            known = end in found
            clash = known and found[end] and found[end][0].count(".") == name.count(".")
            if not known or clash:
                found[end] = None if clash else (name, objects[name])
    return found


def is_meant(code, name, entry):
    """Whether code in the text is a name, and no parameter, attribute or statistic of that name."""
    if "." in code or entry.objtype in ("class", "exception"):
        return True
    return entry.objtype == "function" and not name.startswith("sklearn_carto.metrics.")


class LinkNames(SphinxPostTransform):
    """Make links of the names of the library in the text of pages."""

    default_priority = 5

    def run(self, **kwargs):
        """Replace code that is a name by a link to the reference."""
        if self.env.docname.startswith(("generated/", "gallery/")):
            return
        entries = entries_by_name(self.env)
        for literal in list(self.document.findall(nodes.literal)):
            code = CODE.fullmatch(literal.astext().strip())
            inside = isinstance(literal.parent, (nodes.reference, nodes.title))
            found = entries.get(code[1]) if code and not inside else None
            if found and is_meant(code[1], *found):
                name, entry = found
                new = make_refnode(
                    self.app.builder, self.env.docname, entry.docname, entry.node_id, [], name
                )
                literal.replace_self(new)
                new += literal


def resolve(app, env, node, content):
    """Resolve what a docstring refers to by the end of its name."""
    found = entries_by_name(env).get(node["reftarget"]) if node.get("refdomain") == "py" else None
    if found is None:
        return None
    name, entry = found
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, name)


INHERITED = {"get_params", "set_params", "score"}  # of scikit-learn, and part of every estimator


def skip_foreign(app, what, name, value, skip, options):
    """Leave out of a class what a framework defines or calls: its own methods, and events."""
    function = getattr(value, "fget", None) or getattr(value, "__func__", value)
    home = getattr(function, "__module__", None) or "sklearn_carto"
    if name.startswith("on_") or (home.split(".")[0] != "sklearn_carto" and name not in INHERITED):
        return True
    return None


def setup(app):
    """Register the links, and what is left out."""
    app.connect("autodoc-skip-member", skip_foreign)
    app.add_post_transform(LinkNames)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
