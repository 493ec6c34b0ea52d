"""lab.train.processes: several processes do the work of one, for every kind of loss and layer that looks at a whole batch."""

import os
import socket
import subprocess
import sys

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from conftest import ROOT
from training import shared_work, tiny

from lab.train.errors import TrainingError
from lab.train.pictures import Source
from lab.train.processes import check_shares
from lab.train.trainer import train

NAMES = ["srresnet", "esrgan", "spsr", "resg:mse", "resg", "deblurgan"]
"""Pixel loss alone; relativistic critic; two, one on gradient maps; batch norm without a critic, and with; a gradient penalty."""

TWO = """
import sys
import time
sys.path.insert(0, "tests")
import torch
torch.set_num_threads(1)
from pathlib import Path
from accelerate import Accelerator
from lab.train import trainer
from lab.train.pictures import Source
from training import shared_work, tiny

pictures, out, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
accelerator = Accelerator(cpu=True, mixed_precision="no")
assert accelerator.num_processes == 2
for name in names:
    done = shared_work(name, pictures, accelerator)
    if accelerator.is_main_process:
        torch.save(done, out / name)
trainer.has_fast_bf16 = lambda device: False  # the state that Accelerate shares has no mixed precision by now
check = trainer.check_folder  # the second process is late, and must not take what the first has begun for another run
trainer.check_folder = lambda *given: (time.sleep(3 * accelerator.process_index), check(*given))[1]
trainer.train(tiny("espcn"), Source(data=pictures), out / "run", steps=3, cpu=True)
assert (out / "run" / "espcn.safetensors").is_file()  # whichever process this is
"""


@pytest.fixture(scope="module")
def together(picture_folder, tmp_path_factory):
    """What two processes made: a file for each of NAMES, and a whole run."""
    out = tmp_path_factory.mktemp("together")
    script = out / "two.py"
    script.write_text(TWO)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    # --multi_gpu is what makes the launcher start several processes at all; cpu=True makes them talk by gloo
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--num_processes", "2"]
    options = ["--mixed_precision", "no", "--main_process_port", port]
    command = [*launch, *options, str(script), str(picture_folder), str(out), *NAMES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n".join(line for line in done.stderr.splitlines() if "rank" in line) or done.stderr[-3000:]
    return out


@pytest.fixture
def single_precision(monkeypatch):
    """No bf16, whose rounding would hide a difference, whatever other tests have set up in what Accelerate shares."""
    AcceleratorState._reset_state(reset_partial_state=True)
    monkeypatch.setattr("lab.train.trainer.has_fast_bf16", lambda device: False)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("single_precision")
def test_two_processes_give_the_result_of_one_for_the_same_batch(name, together, picture_folder):
    one = shared_work(name, picture_folder, Accelerator(cpu=True, mixed_precision="no"))
    two = torch.load(together / name, weights_only=True)
    assert one["moved"] > 0.01  # so that what they differ by means something
    # on these small pictures spsr and deblurgan make 1 % of a difference of 1e-7 in their first weights, with one process, too;
    # resg up to 4 % of a batch in another order, through its critic, and 19 % where batch norm is not shared
    least = {"spsr": 0.02, "deblurgan": 0.02, "resg": 0.1}.get(name, 1e-3)
    assert float((one["weights"] - two["weights"]).norm()) < least * one["moved"]


def test_a_whole_run_of_two_processes_leaves_one_curve_and_one_file(together):
    lines = (together / "run" / "losses.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "1", "2", "3"]
    assert (together / "run" / "espcn.json").is_file()


def test_a_batch_that_cannot_be_shared_out_is_refused_with_a_sentence():
    class Three:
        num_processes = 3

    check_shares(6, Three)
    with pytest.raises(TrainingError, match=r"batch of 8 cannot be shared out evenly among 3 processes"):
        check_shares(8, Three)


@pytest.mark.usefixtures("single_precision")
def test_an_uneven_batch_is_refused_before_anything_is_written(picture_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("lab.train.processes.Accelerator.num_processes", 3)
    with pytest.raises(TrainingError, match="cannot be shared out evenly"):
        train(tiny("espcn", batch=4), Source(data=picture_folder), tmp_path / "run", steps=1, cpu=True)
    assert not (tmp_path / "run").exists()
