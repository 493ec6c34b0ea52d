"""What all errors meant for people have in common."""


class LabError(ValueError):
    """Something asked for that cannot be done; its text is one sentence that says what was wrong and what to do.

    The command line prints the sentence and the page shows it; anything else that is raised is a fault of the lab itself.
    """
