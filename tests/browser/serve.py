"""Starts the app as `python app.py` does, with small networks and metric models in place of the shipped ones:
serve.py CHECKPOINTS PORT GALLERY TAPES."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from lab import methods, tapes
from lab.gallery import scenes
from lab.metrics import models
from lab.ui.app import launch

torch.set_num_threads(1)
methods.CHECKPOINTS = models.CHECKPOINTS = Path(sys.argv[1])
scenes.FOLDER, tapes.FOLDER = Path(sys.argv[3]), Path(sys.argv[4])
launch(port=int(sys.argv[2]), device="cpu")
