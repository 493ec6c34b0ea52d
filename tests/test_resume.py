"""A run that is killed, again and again, ends with the weights of an unbroken one."""

import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file

KILLED = """
import os, random, signal, sys
sys.path.insert(0, "tests")
import torch
torch.set_num_threads(1)
from pathlib import Path
from lab.train import restoration, saving, trainer
from lab.train.features import LabLayers
from lab.train.pictures import Source
from lab.networks.features import LabFeatures
from training import tiny

name, pictures, whole, broken = sys.argv[1], *map(Path, sys.argv[2:])
torch.manual_seed(0)
network = LabFeatures()
restoration.vgg19_features = lambda layers, download: LabLayers(layers, "random", network)
steps = 24
recipe = tiny(name, **({"arguments": {"blocks": 1, "width": 8, "dropout": 0.5}} if name == "deblurgan" else {}))

def run(out, kill_at=None, in_saving=False):
    step, rename = restoration.Restoration.step, Path.rename
    def mortal_step(self, number, *rest):
        if number == kill_at and not in_saving:
            os.kill(os.getpid(), signal.SIGKILL)
        self.number = number
        result = step(self, number, *rest)
        run.number = number
        return result
    def mortal_rename(path, target):
        if in_saving and getattr(run, "number", -1) >= kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(path, target)
    restoration.Restoration.step, Path.rename = mortal_step, mortal_rename
    trainer.train(recipe, Source(data=pictures), out, steps=steps, resume=True, cpu=True)

def child(*arguments):
    pid = os.fork()
    if pid == 0:
        try:
            run(*arguments)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

trainer.SAVE_EVERY_SECONDS = 0  # the state is saved after every step
random.seed(7)
for i, at in enumerate(sorted(random.sample(range(1, steps), 10))):
    status = child(broken, at, i % 3 == 2)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (i, at, status)
assert child(broken) == 0
trainer.SAVE_EVERY_SECONDS = 3600
assert child(whole) == 0
"""


@pytest.mark.parametrize("name", ["srresnet", "srgan", "deblurgan"])  # deblurgan with dropout
def test_a_run_killed_at_ten_random_steps_ends_with_the_very_weights_of_an_unbroken_one(name, picture_folder, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    command = [sys.executable, "-c", KILLED, name, str(picture_folder), str(whole), str(broken)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    expected, resumed = load_file(whole / f"{name}.safetensors"), load_file(broken / f"{name}.safetensors")
    assert expected.keys() == resumed.keys()
    for key in expected:
        assert torch.equal(expected[key], resumed[key]), key
    states = sorted((whole / "state").glob("custom*"))
    assert len(states) == (4 if name == "srresnet" else 5)  # step, network, optimiser, average, critic
    for path in states:
        assert_same(*(torch.load(out / "state" / path.name, weights_only=True) for out in (whole, broken)))


def assert_same(a, b):
    """Two states are equal to the bit, but for the seconds that their runs took."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a.keys() - {"seconds"}:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
