"""The endpoint for programs, called with a real gradio_client."""

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from lab.images import read_picture
from lab.metrics import measure
from lab.ui.pictures import PICTURES


@pytest.fixture(scope="module")
def client(server, tmp_path_factory) -> Client:
    return Client(server, download_files=tmp_path_factory.mktemp("downloads"), verbose=False)


def compare(client: Client, picture, blur: str, methods):
    return client.predict(handle_file(str(picture)), blur, methods, api_name="/compare")


def test_a_program_gets_the_pictures_and_their_figures(client):
    path = PICTURES["chelsea"].path
    files, results = compare(client, path, "x4-bicubic", ["bicubic", "srcnn"])
    by_method = {result["method"]: result for result in results}
    assert list(by_method) == ["bicubic", "srcnn", "input", "reference"]
    assert "No checkpoint" in by_method["srcnn"]["failed"]
    shown = np.array(Image.open(files[by_method["bicubic"]["file"]]))
    reference = np.array(Image.open(files[by_method["reference"]["file"]]))
    np.testing.assert_array_equal(reference, read_picture(path))
    figure = by_method["bicubic"]["metrics"]["sr"]["psnr"]["value"]
    assert figure == pytest.approx(measure("psnr", shown, reference).value)


def test_a_blurred_picture_can_be_enlarged_four_times(client, tmp_path):
    Image.new("RGB", (40, 36), (90, 120, 30)).save(tmp_path / "small.png")
    files, results = compare(client, tmp_path / "small.png", "blurred-x4", ["bicubic"])
    assert [result["method"] for result in results] == ["bicubic", "input"]
    assert Image.open(files[0]).size == (160, 144)


def test_methods_may_be_one_text_with_commas(client):
    _, results = compare(client, PICTURES["chelsea"].path, "x4-bicubic", "bicubic, nearest")
    assert [result["method"] for result in results] == ["nearest", "bicubic", "input", "reference"]


@pytest.mark.parametrize(
    ("blur", "methods", "words"),
    [
        ("fog", ["bicubic"], "unknown degradation"),
        ("x4-bicubic", ["magic"], "magic"),
        ("gaussian:sigma=-1", ["bicubic"], "range"),
        ("x4-bicubic", 5, "list of keys"),
        ("x4-bicubic", [["bicubic"]], "list of keys"),
        ("x4-bicubic", {"a": 1}, "list of keys"),
        ("x4-bicubic", "magic,bicubic", "magic"),
        (None, ["bicubic"], "blur must be a text"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(client, blur, methods, words):
    with pytest.raises(Exception, match=f"(?i){words}"):
        compare(client, PICTURES["chelsea"].path, blur, methods)


def test_only_this_endpoint_is_public(client):
    assert list(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == ["/compare"]
