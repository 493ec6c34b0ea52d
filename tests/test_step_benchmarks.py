"""benchmarks/training.py and benchmarks/recipes.py: what a step costs, and what they say to words that make no sense."""

import re
import sys

import pytest
import yaml
from conftest import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks import recipes, training
from lab.train.recipe import RECIPES


def run(monkeypatch, capsys, script, *words):
    """What the command prints on both streams, and what it ended with: None, a code or a sentence."""
    monkeypatch.setattr(sys, "argv", [f"{script.__name__.rpartition('.')[2]}.py", *map(str, words)])
    code = None
    try:
        script.main()
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    return said.out, said.err, code


@pytest.fixture
def small(tmp_path):
    """ESPCN's recipe with small crops, as a YAML file."""
    about = yaml.safe_load((RECIPES / "espcn.yaml").read_text())
    about["shipped"] |= {"patch": 32, "batch": 2}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(about))
    return path


def test_a_step_is_held_against_its_bare_one(small, monkeypatch, capsys):
    said, _, code = run(monkeypatch, capsys, training, small, "--rounds", 1)
    assert code is None
    assert float(re.match(r"espcn: a step takes ([\d.]+) times its bare", said)[1]) > 0


def test_a_recipe_s_minutes_are_its_steps_times_their_seconds(small, monkeypatch, capsys):
    said, _, code = run(monkeypatch, capsys, recipes, small, "--rounds", 1)
    assert code is None
    name, steps, seconds, minutes, features = said.splitlines()[-1].strip("| ").split(" | ")
    assert (name, int(steps), features) == (str(small), yaml.safe_load(small.read_text())["shipped"]["steps"], "-")
    assert abs(float(minutes) - int(steps) * float(seconds) / 60) <= 0.5 + int(steps) * 0.0005 / 60


@pytest.mark.parametrize("script", [training, recipes])
def test_a_recipe_that_is_not_there_gets_one_sentence_before_anything_is_timed(script, small, monkeypatch, capsys):
    words = ["edsr"] if script is training else [small, "edsr"]
    said, _, sentence = run(monkeypatch, capsys, script, *words)
    assert sentence.startswith(f"{script.__name__.rpartition('.')[2]}.py: there is no recipe 'edsr': choose from ")
    assert "\n" not in sentence
    assert said == ""


@pytest.mark.parametrize("script", [training, recipes])
@pytest.mark.parametrize("rounds", [0, -3])
def test_no_rounds_at_all_are_refused(script, rounds, monkeypatch, capsys):
    said, complaint, code = run(monkeypatch, capsys, script, "espcn", "--rounds", rounds)
    assert (said, code) == ("", 2)
    assert complaint.splitlines()[-1].endswith("--rounds must be at least 1.")


def test_the_feature_network_is_refused_where_networks_that_restore_are_compared(monkeypatch, capsys):
    said, complaint, code = run(monkeypatch, capsys, training, "features")
    assert (said, code) == ("", 2)
    assert "the feature network restores nothing" in complaint.splitlines()[-1]
