"""The Training tab: the moments of a method's training beside its curves."""

import gradio as gr

from lab.methods import METHODS
from lab.ui.store import ResultStore
from lab.ui.tape import TapePlayer
from lab.ui.tape_view import LEARNED, first_shown, tape_view
from lab.ui.telling import told_to_the_visitor


def build_tape_tab(tab: gr.Tab, store: ResultStore) -> None:
    """Lay out the tab in the current context and connect its events.

    Args:
        tab: the tab, which reads the tape anew whenever it is opened.
        store: where strips are copied to, to be served.
    """
    methods = gr.Radio(
        [(METHODS[key].name, key) for key in LEARNED],
        value=first_shown(), label="Method", show_label=False, elem_id="tape-methods",
    )  # fmt: skip
    player = TapePlayer(elem_id="tape")

    def chosen(method: str) -> dict:
        with told_to_the_visitor("The training cannot be shown"):
            return tape_view(method, store)
        return gr.skip()

    for event in (tab.select, methods.input):
        event(
            chosen, methods, player,
            show_progress="hidden", api_visibility="private", trigger_mode="always_last", concurrency_limit=4,
        )  # fmt: skip
