"""How far a training has come, on standard error."""

import sys
import time


def clock(seconds: float) -> str:
    """4:07, or 1:02:09 from an hour on."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


class Progress:
    """One line that is written anew: several times a second on a terminal, once a minute in a log.

    Args:
        label: what is trained.
        shown: False for all but one of several processes.
    """

    def __init__(self, label: str, shown: bool = True):
        self.label, self.shown = label, shown
        self.terminal = sys.stderr.isatty()
        self.every = 0.2 if self.terminal else 60.0
        self.began = self.written = time.monotonic()
        self.first: tuple[float, int] | None = None
        self.notes = ""

    def note(self, **values: str) -> None:
        """Figures to show from now on, such as the last loss."""
        self.notes = "".join(f"  {key} {value}" for key, value in values.items())

    def update(self, done: float, step: int) -> None:
        """Tell where training stands.

        Args:
            done: 0..1.
            step: steps taken in all, those of earlier sessions included.
        """
        now = time.monotonic()
        if self.first is None:
            self.first = (done, step)
        if self.shown and now - self.written >= self.every:
            self.written = now
            self._write(done, step, now)

    def close(self) -> None:
        """Leave the line standing on a terminal."""
        if self.shown and self.terminal and self.first is not None:
            print(file=sys.stderr)

    def _write(self, done: float, step: int, now: float) -> None:
        gone, here, steps = now - self.began, done - self.first[0], step - self.first[1]
        left = f", {clock(gone * (1 - done) / here)} left" if here > 0 else ""
        speed = f"  {steps / gone:.1f} steps/s" if steps else ""
        line = f"{self.label}  {100 * done:3.0f} %  step {step}  {clock(gone)} so far{left}{speed}{self.notes}"
        print(f"\r{line}\x1b[K" if self.terminal else line, end="" if self.terminal else "\n", file=sys.stderr, flush=True)
