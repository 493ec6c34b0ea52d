"""Sections of text, tables and figures, as a Gradio component."""

from lab.ui.paper.paper import Sections, stylesheet

__all__ = ["Sections", "stylesheet"]
