"""Starts the app as `python app.py` does, with small networks and metric models in place of the shipped ones:
serve.py CHECKPOINTS PORT GALLERY TAPES PAPER."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from lab import methods, tapes
from lab.ablation import stored
from lab.gallery import scenes
from lab.metrics import models
from lab.ui.app import launch

torch.set_num_threads(1)
methods.CHECKPOINTS = models.CHECKPOINTS = Path(sys.argv[1])
scenes.FOLDER, tapes.FOLDER, stored.FOLDER = map(Path, sys.argv[3:6])
launch(port=int(sys.argv[2]), device="cpu")
