"""The tape and its curves, as a Gradio component."""

from lab.ui.tape.tape import TapePlayer, stylesheet

__all__ = ["TapePlayer", "stylesheet"]
