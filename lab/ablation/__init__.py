"""The paper's ablation: the four networks of Fan and Wang 2021 on the same blurred pictures, beside the paper's own figures.

`paper.py` holds what the paper reports and says where other figures stand in another order; `measuring.py` measures, `panels.py`
draws the paper's Figures 4 and 5 anew, `writing.py` writes all of it down, and `stored.py` reads what was written for the page.
"""

from lab.errors import LabError


class AblationError(LabError):
    """An ablation that cannot be done; its text is the sentence to show."""
