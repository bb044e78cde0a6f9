"""Formulas as MathML, which browsers draw by themselves: no script, and no network."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def visit_inline(translator, node):
    """Write a formula inside of a line."""
    # a word joiner: no line begins with the comma or period that follows a formula
    joined = f"{convert(node.astext())}&#8288;"
    translator.body.append(f'<span style="white-space: nowrap">{joined}</span>')
    raise SkipNode


def visit_block(translator, node):
    """Write a formula on lines of its own."""
    formula = convert(node.astext(), display="block")
    translator.body.append(f'<div class="math">{formula}</div>\n')
    raise SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
