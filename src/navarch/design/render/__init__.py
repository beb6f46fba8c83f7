"""The renderings of a design document: HTML, PDF (through typst) and Markdown, from one `Document`."""

from __future__ import annotations

from navarch.design.render.html import render_html
from navarch.design.render.markdown import render_markdown
from navarch.design.render.typst import render_pdf, render_typst

__all__ = ["render_html", "render_markdown", "render_pdf", "render_typst"]
