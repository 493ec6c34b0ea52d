"""lab.detection and benchmarks/detection.py: what a detector finds after a blur and a restoration.

The detector here has random weights in the layout of torchvision's file, biased so that it is sure of finding one category; where
depends on the picture.
"""

import json
import sys

import pytest
import torch
from conftest import ROOT, textured_picture

sys.path.insert(0, str(ROOT))

from benchmarks import detection, machines
from lab.compare import prepare
from lab.degrade import Degradation
from lab.detection import DIGEST, NAME, URL, Agreement, DetectionError, Finds, agreement, detect, load, place, weights_file
from lab.images import write_png
from lab.ui.paper_detection import detection_table

FAST = "srnet"
BLUR = "gaussian:sigma=2.5"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def frozen():
    """The network as torchvision builds it for its official weights: with frozen batch norm, which an untrained one has not."""
    from torchvision.models import MobileNet_V3_Large_Weights, mobilenet_v3_large
    from torchvision.models.detection import faster_rcnn

    def untrained(weights, progress, norm_layer):
        return mobilenet_v3_large(weights=None, norm_layer=norm_layer)

    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(faster_rcnn, "mobilenet_v3_large", untrained)
        torch.manual_seed(0)
        build = faster_rcnn.fasterrcnn_mobilenet_v3_large_320_fpn
        network = build(weights=None, weights_backbone=MobileNet_V3_Large_Weights.IMAGENET1K_V1, num_classes=91)
    for name, values in network.named_buffers():
        if name.endswith("running_var"):
            values.fill_(0.5)  # statistics that matter, so that a norm that ignored them would be seen
    network.roi_heads.box_predictor.cls_score.bias.data[17] = 12
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def weights(frozen, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "detector.pth"
    torch.save(frozen.state_dict(), path)
    return path


@pytest.fixture
def no_official_file(tmp_path, monkeypatch):
    """An empty cache of torchvision's, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)

    def refuse(*_, **__):
        raise AssertionError("nothing may be downloaded")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return tmp_path / "torch/hub/checkpoints" / NAME


def finds(*boxes, labels=None):
    return Finds(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), torch.tensor(labels or [1] * len(boxes)))


def run(monkeypatch, capsys, *words):
    """What the command prints; or the sentence it ends with."""
    monkeypatch.setattr(sys, "argv", ["detection.py", *map(str, words)])
    try:
        detection.main()
    except SystemExit as ended:
        return str(ended)
    return capsys.readouterr().out


# how far finds agree


def test_finds_agree_with_themselves_and_with_nothing_else():
    some = finds([0, 0, 10, 10], [20, 0, 40, 10])
    assert agreement(some, some) == Agreement(2, 0, 0)
    assert agreement(some, some).f1 == 1
    assert agreement(some, finds()) == Agreement(0, 2, 0)
    assert agreement(finds(), some) == Agreement(0, 0, 2)
    assert agreement(finds(), some).f1 == 0
    assert agreement(finds(), finds()).f1 is None


def test_a_find_must_overlap_by_half_and_be_of_the_same_category():
    wanted = finds([0, 0, 10, 10])
    assert agreement(finds([0, 0, 10, 5.1]), wanted).both == 1
    assert agreement(finds([0, 0, 10, 4.9]), wanted) == Agreement(0, 1, 1)
    assert agreement(finds([0, 0, 10, 10], labels=[2]), wanted) == Agreement(0, 1, 1)


def test_each_thing_is_found_once_and_a_find_takes_the_thing_it_fits_best():
    assert agreement(finds([0, 0, 10, 10], [0, 0, 10, 10]), finds([0, 0, 10, 10])) == Agreement(1, 1, 0)
    wanted = finds([0, 0, 10, 10], [0, 3, 10, 13])
    # the surer find overlaps both by half; did it take the first of them, nothing would be left for the other find
    assert agreement(finds([0, 3, 10, 13], [0, -2, 10, 8]), wanted) == Agreement(2, 0, 0)


def test_f1_is_over_the_finds_of_all_pictures():
    total = Agreement(3, 0, 1) + Agreement(1, 2, 1)
    assert total == Agreement(4, 2, 2)
    assert total.f1 == pytest.approx(2 * (4 / 6) * (4 / 6) / (4 / 6 + 4 / 6))


# the detector


def test_the_file_is_torchvision_s():
    from torchvision.models.detection import FasterRCNN_MobileNet_V3_Large_320_FPN_Weights as Official

    assert Official.COCO_V1.url == URL
    assert URL.endswith(f"-{DIGEST}.pth")


def test_weights_in_the_official_layout_give_the_official_network_s_finds(frozen, weights):
    picture = textured_picture(200, 240)
    ours, theirs = detect(load(weights, CPU), picture), detect(frozen, picture)
    assert len(ours.boxes) >= 3
    assert set(ours.labels.tolist()) == {17}
    assert torch.equal(ours.labels, theirs.labels)
    torch.testing.assert_close(ours.boxes, theirs.boxes, atol=1e-2, rtol=1e-3)


def test_a_detector_that_is_not_there_is_said_with_where_to_get_it_and_where_to_put_it(no_official_file, tmp_path):
    assert place() == no_official_file
    with pytest.raises(DetectionError) as told:
        weights_file()
    assert URL in str(told.value)
    assert str(no_official_file) in str(told.value)
    with pytest.raises(DetectionError, match="there is no file"):
        weights_file(tmp_path / "gone.pth")


def test_a_damaged_official_file_is_not_used(no_official_file):
    no_official_file.parent.mkdir(parents=True)
    no_official_file.write_bytes(b"<html>not found</html>")
    with pytest.raises(DetectionError, match=r"is damaged \(its SHA-256 begins with"):
        weights_file()


def test_other_files_are_refused_as_weights(frozen, tmp_path):
    page, part, other, torn = (tmp_path / f"{name}.pth" for name in ("page", "part", "list", "torn"))
    page.write_bytes(b"<html>not found</html>")
    torn.write_bytes(b"\x80\x02.")
    torch.save({key: values for key, values in frozen.state_dict().items() if "rpn" not in key}, part)
    torch.save([1, 2], other)
    for path in (page, part, other, torn):
        with pytest.raises(DetectionError, match=f"{path.name} does not hold the weights of this detector"):
            load(path, CPU)


# the benchmark


def test_the_sharp_picture_has_one_and_the_blurred_one_less(weights):
    picture = textured_picture(200, 240)
    judge = detection.judge_of(load(weights, CPU), picture)
    same, blurred = (Agreement(**judge(one)) for one in (picture, prepare(picture, Degradation("gaussian", 3)).given))
    assert same.f1 == 1
    assert 0 <= blurred.f1 < 1


def test_one_command_prints_a_table_and_writes_its_figures(weights, tmp_path, monkeypatch, capsys):
    for i in range(2):
        write_png(textured_picture(96, 128, i), tmp_path / "street" / f"{i}.png")
    blurs = ["gaussian:sigma=2.5", "motion:length=12", "gaussian:sigma=2.5"]  # what is named twice counts once
    words = [tmp_path / "street", "--blur", *blurs, "--methods", FAST, "--weights", weights]
    words += ["--device", "cpu", "--records", tmp_path / "kept", "--out", tmp_path / "out"]
    printed = run(monkeypatch, capsys, *words)
    text = (tmp_path / "out" / "detection.json").read_text(encoding="utf-8")
    about = json.loads(text)
    assert about["command"].startswith("python benchmarks/detection.py street --blur gaussian:sigma=2.5")
    assert about["pictures"] == {"folder": "street", "count": 2}
    assert list(about["checkpoints"]) == [FAST]
    assert str(tmp_path) not in text
    assert about["seeds"] == machines.SEEDS
    assert list(about["conditions"]) == ["gaussian:sigma=2.5", "motion:length=12"]
    assert [row["key"] for row in detection_table(about)["rows"]] == ["input", FAST]  # as the page shows it
    network = load(weights, CPU)
    assert about["sharp"] == sum(len(detect(network, textured_picture(96, 128, i)).boxes) for i in range(2)) > 0
    for rows in about["conditions"].values():
        assert set(rows) == {"input", FAST}
        assert {row["both"] + row["missed"] for row in rows.values()} == {about["sharp"]}
    blurred = [prepare(textured_picture(96, 128, i), Degradation("gaussian", 2.5)).given for i in range(2)]
    judged = [detection.judge_of(network, textured_picture(96, 128, i))(picture) for i, picture in enumerate(blurred)]
    f1 = (Agreement(**judged[0]) + Agreement(**judged[1])).f1
    assert about["conditions"]["gaussian:sigma=2.5"]["input"]["f1"] == pytest.approx(f1)
    assert f"| blurred | {f1:.3f} |" in printed
    monkeypatch.setattr(machines, "compare", None)  # what is known is not restored again
    assert run(monkeypatch, capsys, *words) == printed


def test_counts_of_another_score_or_overlap_are_not_taken_over(weights, tmp_path, monkeypatch, capsys):
    write_png(textured_picture(96, 128), tmp_path / "street" / "a.png")
    words = [tmp_path / "street", "--blur", BLUR, "--methods", FAST, "--weights", weights]
    words += ["--device", "cpu", "--records", tmp_path / "kept", "--out", tmp_path / "out"]
    looks, agree = [], detection.agreement

    def counted(*finds):
        looks.append(finds)
        return agree(*finds)

    monkeypatch.setattr(detection, "agreement", counted)
    for number, changes in enumerate(({}, {"SCORE": 0.75}, {"OVERLAP": 0.9}), 1):
        with monkeypatch.context() as patch:
            for name, value in changes.items():
                patch.setattr(detection, name, value)
            run(monkeypatch, capsys, *words)
        assert len(looks) == 2 * number, "the blurred picture and the restored one"
    run(monkeypatch, capsys, *words)
    assert len(looks) == 6


def test_without_weights_the_command_ends_with_one_sentence(no_official_file, tmp_path, monkeypatch, capsys):
    write_png(textured_picture(96, 128), tmp_path / "street" / "a.png")
    sentence = run(monkeypatch, capsys, tmp_path / "street", "--methods", FAST, "--out", tmp_path / "out")
    assert sentence.startswith("detection.py: the detector's weights are not on this machine: get https://")
    assert "\n" not in sentence
    assert not (tmp_path / "out").exists()
    sentence = run(monkeypatch, capsys, tmp_path / "street", "--blur", "x4-bicubic")
    assert "x4-bicubic leaves a quarter of the size" in sentence
