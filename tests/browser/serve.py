"""Starts the app as `python app.py` does, with small networks and metric models in place of the shipped ones:
serve.py CHECKPOINTS PORT."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from lab import methods
from lab.metrics import models
from lab.ui.app import launch

torch.set_num_threads(1)
methods.CHECKPOINTS = models.CHECKPOINTS = Path(sys.argv[1])
launch(port=int(sys.argv[2]), device="cpu")
