"""lab.official: where official files lie, how they are checked, and downloads against a real server on this machine."""

import dataclasses
import hashlib
import http.server
import os
import socket
import threading
import time

import pytest
import torch

from lab.official import OFFICIAL, OfficialError, adopt, fault, fetch, find, found, place

CONTENT = b"MATLAB 5.0 MAT-file, " + bytes(range(256)) * 400
OTHER = CONTENT[:-1] + b"?"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Empty caches, whatever this machine has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.delenv("CLARITY_LAB_MODELS", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def stand_in(monkeypatch):
    """A small file of our own in NIQE's place in the catalogue; returns a function that changes what is known of it."""

    def change(**what):
        monkeypatch.setitem(OFFICIAL, "niqe", dataclasses.replace(OFFICIAL["niqe"], **what))

    change(bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    return change


class Server(http.server.ThreadingHTTPServer):
    """Answers with `content`; `ranges` lets it go on in the middle; `cut` ends an answer after so many bytes."""

    daemon_threads = True
    content, ranges, cut, wait = CONTENT, True, None, None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers["Range"]
        server.asked.append(asked)
        if server.wait is not None:
            server.wait.wait(60)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        if server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start:][: server.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(stand_in):
    running = Server()
    stand_in(urls=(running.url(),))
    yield running
    running.shutdown()
    running.server_close()


def left_behind():
    folder = place("niqe").parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# the catalogue and the places


def test_the_catalogue_names_the_files_as_torchvision_does():
    from torchvision.models import AlexNet_Weights, VGG19_Weights

    for key, weights in (("alexnet", AlexNet_Weights.IMAGENET1K_V1), ("vgg19", VGG19_Weights.IMAGENET1K_V1)):
        assert find(key).urls == (weights.url,)
        assert weights.url.endswith(f"/{find(key).name}")
        assert find(key).name.endswith(f"-{find(key).sha256}.pth")


def test_every_entry_can_be_checked_and_says_what_it_is_for_and_on_what_terms():
    for key, file in OFFICIAL.items():
        assert file.key == key
        assert file.sha256 or file.begins
        assert file.licence
        assert file.used_for
        assert all(url.startswith("https://") for url in file.urls)


def test_torchvision_s_files_lie_where_torchvision_looks_and_the_others_in_the_user_s_cache(tmp_path, monkeypatch):
    assert place("alexnet") == tmp_path / "torch/hub/checkpoints/alexnet-owt-7be5be79.pth"
    assert place("niqe") == tmp_path / "cache/clarity-lab/modelparameters.mat"
    monkeypatch.setenv("CLARITY_LAB_MODELS", str(tmp_path / "own"))
    assert place("ma") == tmp_path / "own/NRQM_model.mat"
    assert place("vgg19").parent == tmp_path / "torch/hub/checkpoints"
    monkeypatch.delenv("CLARITY_LAB_MODELS")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert place("ma") == tmp_path / "home/.cache/clarity-lab/NRQM_model.mat"


def test_an_unknown_key_is_refused_with_the_keys_there_are():
    with pytest.raises(OfficialError, match=r"no official file called 'brisque': choose from alexnet, vgg19, niqe, ma\."):
        place("brisque")


def test_the_real_niqe_file_is_known_where_it_is_here(data):
    path = data / "niqe" / "modelparameters.mat"
    if not path.is_file():
        pytest.skip("the official NIQE file is not here")
    assert fault("niqe", path) == ""
    assert adopt("niqe", path) == place("niqe") == found("niqe")


# what is on the disk


def test_a_file_is_found_only_where_it_is_whole(stand_in):
    assert found("niqe") is None
    path = place("niqe")
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert found("niqe") == path
    for wrong in (CONTENT[:-1], OTHER, b"<html>" + CONTENT[6:]):
        path.write_bytes(wrong)
        assert found("niqe") is None


def test_a_file_is_read_once_and_again_when_it_changes(stand_in, monkeypatch):
    path = place("niqe")
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    read = []
    true_digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: read.append(1) or true_digest(*given))
    assert found("niqe")
    assert found("niqe")
    assert len(read) == 1
    path.write_bytes(OTHER)
    os.utime(path, ns=(1, 1))
    assert found("niqe") is None
    assert len(read) == 2


def test_what_is_wrong_with_a_file_is_said(stand_in, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT[:-1])
    assert fault("niqe", path) == f"it has {len(CONTENT) - 1:,} bytes and not {len(CONTENT):,}"
    path.write_bytes(b"<html>" + CONTENT[6:])
    assert fault("niqe", path) == "it is in another format"
    path.write_bytes(OTHER)
    wrong, right = (hashlib.sha256(content).hexdigest()[:8] for content in (OTHER, CONTENT))
    assert fault("niqe", path) == f"its SHA-256 begins with {wrong} and not {right}"


def test_without_a_known_hash_the_format_still_tells_an_error_page(stand_in, tmp_path):
    stand_in(bytes=None, sha256=None)
    path = tmp_path / "file"
    for content, wrong in ((CONTENT, ""), (b"<html>", "it is in another format"), (b"", "it is in another format")):
        path.write_bytes(content)
        assert fault("niqe", path) == wrong


def test_a_documented_beginning_of_a_hash_is_enough_and_is_held_to(stand_in, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    stand_in(sha256=hashlib.sha256(CONTENT).hexdigest()[:8])
    assert fault("niqe", path) == ""
    stand_in(sha256="00000000")
    assert "its SHA-256 begins with" in fault("niqe", path)


# files one already has


def test_a_file_one_has_is_copied_to_its_place(stand_in, tmp_path):
    own = tmp_path / "download (1).mat"
    own.write_bytes(CONTENT)
    assert adopt("niqe", own) == place("niqe") == found("niqe")
    assert place("niqe").read_bytes() == CONTENT
    assert adopt("niqe", place("niqe")) == place("niqe")
    assert own.is_file()
    assert left_behind() == ["modelparameters.mat"]


def test_a_wrong_file_is_not_copied(stand_in, tmp_path):
    own = tmp_path / "other.mat"
    own.write_bytes(OTHER)
    with pytest.raises(
        OfficialError, match=r"other\.mat is not NIQE's official parameters \(its SHA-256 .*\): get it from https://"
    ):
        adopt("niqe", own)
    assert left_behind() == []
    with pytest.raises(OfficialError, match=r"there is no file '.*gone\.mat': name the copy"):
        adopt("niqe", tmp_path / "gone.mat")


def test_a_wrong_file_does_not_replace_a_right_one(stand_in, tmp_path):
    for name, content in (("right.mat", CONTENT), ("wrong.mat", OTHER)):
        (tmp_path / name).write_bytes(content)
    adopt("niqe", tmp_path / "right.mat")
    with pytest.raises(OfficialError):
        adopt("niqe", tmp_path / "wrong.mat")
    assert place("niqe").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(stand_in, tmp_path, monkeypatch):
    (tmp_path / "in the way").write_bytes(b"")
    monkeypatch.setenv("CLARITY_LAB_MODELS", str(tmp_path / "in the way" / "models"))
    own = tmp_path / "right.mat"
    own.write_bytes(CONTENT)
    with pytest.raises(OfficialError, match=r"could not be copied to .*\(Not a directory\): check"):
        adopt("niqe", own)
    with pytest.raises(OfficialError, match=r"could not be downloaded \(Not a directory\)"):
        fetch("niqe")


# downloads


def test_a_whole_download_is_checked_put_in_place_and_not_repeated(server):
    seen = []
    assert fetch("niqe", lambda done, total: seen.append((done, total))) == place("niqe")
    assert place("niqe").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert left_behind() == ["modelparameters.mat"]
    fetch("niqe")
    assert server.asked == [None]


def test_a_download_that_broke_off_is_resumed_where_it_ended(server):
    server.cut = 40_000
    with pytest.raises(OfficialError, match=rf"the connection broke off after 40,000 of {len(CONTENT):,} bytes"):
        fetch("niqe")
    assert found("niqe") is None
    assert left_behind() == ["modelparameters.mat.part"]
    server.cut, seen = None, []
    fetch("niqe", lambda done, total: seen.append((done, total)))
    assert server.asked == [None, "bytes=40000-"]
    assert place("niqe").read_bytes() == CONTENT
    assert seen[0][0] > 40_000
    assert {total for _, total in seen} == {len(CONTENT)}
    assert left_behind() == ["modelparameters.mat"]


def test_what_a_server_cannot_resume_is_begun_anew(server):
    server.cut, server.ranges = 40_000, False
    with pytest.raises(OfficialError, match="broke off"):
        fetch("niqe")
    assert left_behind() == []
    place("niqe").with_name("modelparameters.mat.part").write_bytes(b"of another time")
    server.cut = None
    fetch("niqe")
    assert place("niqe").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=15-"]


@pytest.mark.parametrize("left", [b"x" * 500, b"x" * len(CONTENT)], ids=["shorter", "as long"])
def test_a_part_that_is_not_the_file_s_beginning_is_replaced(left, server):
    place("niqe").parent.mkdir(parents=True)
    place("niqe").with_name("modelparameters.mat.part").write_bytes(left)
    fetch("niqe")
    assert place("niqe").read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(left)}-", None]
    assert left_behind() == ["modelparameters.mat"]


def test_a_file_without_a_known_hash_is_never_pieced_together(server, stand_in):
    stand_in(sha256=None, bytes=None)
    server.cut = 40_000
    with pytest.raises(OfficialError, match="broke off"):
        fetch("niqe")
    assert left_behind() == []


def test_another_file_than_the_one_documented_is_refused_and_leaves_nothing_behind(server):
    server.content = OTHER
    with pytest.raises(OfficialError, match=r"what came as modelparameters\.mat is something else: its SHA-256 begins with"):
        fetch("niqe")
    assert left_behind() == []
    assert found("niqe") is None


def test_a_download_replaces_a_damaged_file(server):
    place("niqe").parent.mkdir(parents=True)
    place("niqe").write_bytes(b"half")
    fetch("niqe")
    assert place("niqe").read_bytes() == CONTENT


def test_a_silent_server_is_given_up_with_a_sentence(server, monkeypatch):
    monkeypatch.setattr("lab.official.ANSWER_SECONDS", 0.3)
    server.wait = threading.Event()
    began = time.monotonic()
    with pytest.raises(OfficialError, match=r"could not be downloaded \((no answer within 0\.3 seconds|timed out)\)"):
        fetch("niqe")
    assert time.monotonic() - began < 5
    server.wait.set()
    assert left_behind() == []


def test_offline_a_sentence_names_the_address_and_the_place_and_what_was_there_is_kept(stand_in):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file"
    stand_in(urls=(url,))
    part = place("niqe").with_name("modelparameters.mat.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:5000])
    with pytest.raises(OfficialError, match=r"refused") as told:
        fetch("niqe")
    assert f"put the file from {url} at {place('niqe')} by hand" in str(told.value)
    assert "python -m lab weights fetch niqe --from FILE" in str(told.value)
    assert part.read_bytes() == CONTENT[:5000]


def test_the_second_place_is_tried_where_something_else_comes_from_the_first(server, stand_in):
    first = Server()
    first.content = OTHER
    stand_in(urls=(first.url(), server.url()))
    assert fetch("niqe").read_bytes() == CONTENT
    assert len(first.asked) == len(server.asked) == 1
    place("niqe").unlink()
    server.content = OTHER
    with pytest.raises(OfficialError, match=r"something else: .*; .*something else: "):
        fetch("niqe")
    assert left_behind() == []
    first.shutdown()
    first.server_close()


def test_what_is_there_is_downloaded_again_where_that_is_asked_for(server):
    fetch("niqe")
    fetch("niqe", anew=True)
    assert server.asked == [None, None]


def test_the_second_place_is_tried_where_the_first_refuses(server, stand_in):
    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404, "Not Found")

        def log_message(self, *_):
            pass

    first = http.server.ThreadingHTTPServer(("localhost", 0), Refuses)
    threading.Thread(target=first.serve_forever, args=(0.02,), daemon=True).start()
    refusing = f"http://127.0.0.1:{first.server_port}/file"
    stand_in(urls=(refusing, server.url()))
    assert fetch("niqe").read_bytes() == CONTENT
    place("niqe").unlink()
    stand_in(urls=(refusing,))
    with pytest.raises(OfficialError, match=r"could not be downloaded \(Not Found\)"):
        fetch("niqe")
    first.shutdown()
    first.server_close()
