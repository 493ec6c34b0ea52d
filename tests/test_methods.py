"""lab.methods: the catalogue."""

import json

import pytest

from lab.degrade import KINDS, parse
from lab.methods import CHECKPOINTS, METHODS, SEVEN, UnknownMethodError, card, checkpoint, find, in_domain, screen_name
from lab.weights import inspect

LEARNED = [key for key, method in METHODS.items() if method.kind == "learned"]


def test_the_catalogue_has_every_method_of_the_lab_in_display_order():
    keys = (
        "nearest bilinear bicubic ibp srcnn espcn srresnet srgan esrgan-psnr esrgan deblurgan spsr srnet "
        "stackedg resg nonbn-resg nonbn-resg-l"
    )
    assert " ".join(METHODS) == keys
    assert set(SEVEN) <= set(METHODS)


def test_every_method_has_a_colour_of_its_own():
    colors = [method.color for method in METHODS.values()]
    assert len(set(colors)) == len(colors)


def test_an_unknown_key_is_refused_with_the_keys_there_are():
    with pytest.raises(UnknownMethodError, match="unknown method 'edsr': choose from nearest, bilinear"):
        find("edsr")


@pytest.mark.parametrize("key", LEARNED)
def test_every_learned_method_has_a_checkpoint_with_a_whole_card_that_tells_the_truth(key):
    about, info = card(key), inspect(checkpoint(key))
    assert info.scale == (4 if METHODS[key].takes == "x4" else 1)
    assert about["parameters"] == info.parameters
    assert about["stage"]
    assert about["recipe"] == key
    assert about["steps"] > 0
    assert about["minutes"] > 0
    assert about["hardware"]
    assert about["data"]
    assert screen_name(key, about) == about["name"]
    for entry in about["trained_for"]:
        assert entry["kind"] in KINDS


@pytest.mark.parametrize("key", LEARNED)
def test_a_network_smaller_than_the_papers_says_so_in_its_name(key):
    full = {
        "srresnet": {"blocks": 16, "width": 64}, "rrdb": {"blocks": 23, "width": 64}, "spsr": {"blocks": 23, "width": 64},
        "deblurgan": {"blocks": 9, "width": 64}, "srnet": {"width": 128}, "resg": {"blocks": 5, "width": 64},
        "srcnn": {}, "espcn": {},
    }  # fmt: skip
    network = card(key)["network"]
    for name, size in full[network["name"]].items():
        shipped = network["arguments"].get(name, size)
        if shipped < size:
            assert f"{shipped} of {size}" in card(key)["name"]


def test_the_checkpoints_stay_under_their_limit():
    total = sum(path.stat().st_size for path in CHECKPOINTS.iterdir())
    assert total < 130e6


def test_cards_are_json_objects_beside_their_weights():
    for path in CHECKPOINTS.glob("*.safetensors"):
        assert isinstance(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian:sigma=2", True),
        ("gaussian:sigma=0.8", True),
        ("gaussian:sigma=3.1", False),
        ("motion", False),
        ("gaussian:sigma=2,noise=3", False),
        ("gaussian:sigma=2,jpeg=80", False),
        ("x4-bicubic", True),
        ("x4-bicubic:noise=1", False),
    ],
)
def test_a_degradation_is_in_domain_when_training_covered_its_kind_strength_noise_and_compression(text, expected):
    trained_for = [{"kind": "x4-bicubic"}, {"kind": "gaussian", "low": 0.8, "high": 3.0}]
    assert in_domain(parse(text), trained_for) is expected


def test_noise_and_compression_that_training_included_are_in_domain():
    trained_for = [{"kind": "gaussian", "low": 1, "high": 2, "noise": 5, "jpeg": True}]
    assert in_domain(parse("gaussian:sigma=1.5,noise=5,jpeg=60"), trained_for)
    assert not in_domain(parse("gaussian:sigma=1.5,noise=6"), trained_for)


def test_a_picture_that_came_blurred_is_in_no_known_domain():
    assert not in_domain(None, [{"kind": "gaussian", "low": 0.1, "high": 9}])
