"""Colours and type: greys that leave the judgement of colour to the pictures, one accent."""

import gradio as gr

from lab.methods import METHODS

_SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")


def theme() -> gr.themes.Base:
    """Neutral greys and one amber, light and dark, with the system's own fonts (nothing is fetched)."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.amber,
        neutral_hue=gr.themes.colors.neutral,
        font=_SYSTEM,
        font_mono=("ui-monospace", "Menlo", "Consolas", "monospace"),
        text_size="sm",
        spacing_size="sm",
        radius_size="md",
    )
    return base.set(
        body_background_fill="#f5f5f4",
        body_background_fill_dark="#161616",
        body_text_color_subdued="#57534e",
        body_text_color_subdued_dark="#a8a29e",
        block_info_text_color="#57534e",
        block_info_text_color_dark="#a8a29e",
        block_title_text_color="#1c1917",
        block_title_text_color_dark="#f5f5f4",
        input_background_fill="#ffffff",
        input_background_fill_dark="#262626",
        input_border_width="1px",
        button_border_width="0px",
        input_border_color="#8a8a8a",
        input_border_color_dark="#767676",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        button_primary_background_fill="#92400e",
        button_primary_background_fill_hover="#78350f",
        button_primary_background_fill_dark="#f5b342",
        button_primary_background_fill_hover_dark="#fcd385",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#1c1917",
        slider_color="#92400e",
        slider_color_dark="#f5b342",
        checkbox_background_color_selected="#92400e",
        checkbox_background_color_selected_dark="#b45309",
        checkbox_border_color_selected="#92400e",
        checkbox_border_color_selected_dark="#b45309",
    )


def method_colors() -> str:
    """CSS that marks every method's box in the list of methods with the method's colour."""
    return "".join(
        f'#methods label:has(input[name="{key}"]) {{ --lab-method: {method.color}; }}\n' for key, method in METHODS.items()
    )
