"""The comparison in the browser: panes that move together, crops of the chosen spot, and the table of figures."""

from lab.ui.viewer.viewer import Viewer, stylesheet

__all__ = ["Viewer", "stylesheet"]
