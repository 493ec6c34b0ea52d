"""Builds the page and launches it with settings that are safe in public."""

import os
import threading
from pathlib import Path

from lab.ui.folder import close_to_others, default_folder

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_TEMP_DIR", str(default_folder()))  # read when gradio is imported

import gradio as gr

from lab.restore import device_name, pick_device
from lab.ui import paper, picker, tape, uploads, viewer
from lab.ui.api import build_api
from lab.ui.compare_tab import build_compare_tab, opening_task
from lab.ui.comparison import Comparer
from lab.ui.paper_tab import build_paper_tab
from lab.ui.store import ResultStore
from lab.ui.tape_tab import build_tape_tab
from lab.ui.theme import method_colors, theme

TITLE = "Clarity Lab"
TAGLINE = "One blurred picture, restored by many methods, side by side, pixel by pixel."
STYLESHEETS = [Path(__file__).parent / "page.css", viewer.stylesheet, picker.stylesheet, tape.stylesheet, paper.stylesheet]


def files_folder() -> Path:
    """Where Gradio keeps uploads and serves files from: closed to others, unless somebody has named another one.

    Raises:
        lab.ui.folder.FolderError: it belongs to another user.
    """
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    return close_to_others(folder) if folder == default_folder() else folder


def _styles() -> str:
    """All stylesheets for the page's head. Gradio's `css_paths` would prefix every selector, breaking lists and `body.dark`."""
    return "<style>" + "\n".join(sheet.read_text(encoding="utf-8") for sheet in STYLESHEETS) + method_colors() + "</style>"


def build(device: str = "auto", comparer: Comparer | None = None) -> gr.Blocks:
    """The whole page.

    Args:
        device: auto, cpu or cuda.
        comparer: makes the comparisons; by default one that keeps its results below `files_folder()`.
    """
    comparer = comparer or Comparer(ResultStore(files_folder() / "results"))
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as demo:
        gr.HTML(
            html_template=(
                f'<header class="lab-header"><h1>{TITLE}</h1><p>{TAGLINE}</p>'
                '<span class="lab-device" title="The device the methods run on"></span></header>'
            ),
            value=device_name(pick_device(device)),
            js_on_load="element.querySelector('.lab-device').textContent = props.value;",
            apply_default_css=False,
            elem_id="header",
        )
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Compare", id="compare"):
                build_compare_tab(demo, comparer, device)
            with gr.Tab("Training", id="training") as training:
                build_tape_tab(training, comparer.store)
            with gr.Tab("The paper", id="paper") as the_paper:
                build_paper_tab(demo, the_paper, comparer, device)
        build_api(comparer, device)
    demo.queue(max_size=64)
    return demo


def warm(comparer: Comparer, device: str) -> None:
    """Make the opening comparison in the background, so that the first visitor finds it done; it gives way to whatever is asked
    for meanwhile."""

    def work() -> None:
        task = opening_task(device)
        at_once = comparer.stored(task)
        if at_once is None or not at_once.is_whole():
            comparer.make_ahead(task)

    threading.Thread(target=work, name="opening comparison", daemon=True).start()


def launch(host: str | None = None, port: int | None = None, device: str = "auto", share: bool = False) -> None:
    """Serve the page until interrupted.

    Args:
        host: address to listen on; Gradio's default (this machine only, or GRADIO_SERVER_NAME) when None.
        port: Gradio's default (the first free one from 7860, or GRADIO_SERVER_PORT) when None.
        device: auto, cpu or cuda.
        share: make a temporary public address through Gradio's servers.

    Raises:
        lab.ui.folder.FolderError: the folder for pictures belongs to another user.
    """
    store = ResultStore(files_folder() / "results")
    comparer = Comparer(store)
    demo = build(device, comparer)
    warm(comparer, device)
    uploads.watch(files_folder(), store)
    demo.launch(
        server_name=host,
        server_port=port,
        share=share,
        theme=theme(),
        head=_styles(),
        max_file_size="40mb",
        show_error=False,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        strict_cors=True,
        state_session_capacity=200,
        footer_links=["api", "settings"],
    )
