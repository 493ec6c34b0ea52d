"""Several processes on one benchmark, started by `accelerate launch`: each takes its share, the first gathers.

    accelerate launch -m lab benchmark DIR...                                            (a process for each GPU)
    accelerate launch --multi_gpu --num_processes 2 -m lab benchmark DIR... --device cpu    (two processes without GPUs)

The launcher starts several processes only where it is told --multi_gpu, or sees several GPUs; with --cpu it starts one.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

Item = TypeVar("Item")

LONGEST_WAIT = timedelta(days=7)
"""How long one process waits for the others to finish their shares."""


class Processes:
    """This process among those of a launch; alone where there was none. Each gets a GPU of its own where there are several.

    Args:
        cpu: no GPU is to be used.
    """

    def __init__(self, cpu: bool = False):
        self.count, self.number = 1, 0
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            state = PartialState(cpu=cpu, timeout=LONGEST_WAIT)
            self.count, self.number = state.num_processes, state.process_index

    @property
    def is_main(self) -> bool:
        """Whether this is the one that reports."""
        return self.number == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part of the same list that all have."""
        return items[self.number :: self.count]

    def gather(self, items: list[Item]) -> list[Item]:
        """The parts of all processes, in the order of processes; each must call this once."""
        if self.count == 1:
            return items
        from accelerate.utils import gather_object

        return gather_object(items)
