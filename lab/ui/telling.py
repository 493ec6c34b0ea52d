"""Messages to the visitor, and what becomes of what goes wrong."""

import html
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from lab.errors import LabError
from lab.ui.view import sentence


def tell(text: str, title: str) -> None:
    """A message on the page. Gradio renders messages as HTML, and the text may hold what a visitor wrote."""
    gr.Warning(html.escape(sentence(text), quote=False), title=title)


@contextmanager
def told_to_the_visitor(title: str) -> Iterator[None]:
    """Show what goes wrong inside as a message on the page, and go on; faults of the lab itself go to the log."""
    try:
        yield
    except LabError as error:
        tell(str(error), title)
    except Exception:
        logging.getLogger(__name__).exception(title)
        tell("Something went wrong that nobody foresaw; the log has the details.", title)
