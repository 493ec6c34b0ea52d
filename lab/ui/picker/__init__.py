"""The row of pictures to choose from."""

from lab.ui.picker.picker import OWN, Picker, choices, stylesheet

__all__ = ["OWN", "Picker", "choices", "stylesheet"]
