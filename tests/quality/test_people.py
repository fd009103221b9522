"""Faces and hands in view: drawn people in films really encoded, found by detectors of drawings;
and, where there is a model, by the real ones.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_made import red_palms

from benchmarks.check_films import Carried
from benchmarks.people_drawn import DRAWN, with_back, with_face, with_hand
from benchmarks.planted import Shot
from benchmarks.planted import write as film
from dailies.recordings.contract import Camera, VideoFile
from dailies.words import NS, Flag, Grade
from jobs.screening import screen
from quality.checks import BY_NAME
from quality.judge import judge
from quality.measures import Measurements, Models, Pictures
from quality.measures.decode import measure_camera
from quality.measures.detectors import FaceModel, HandModel, ModelError, Picture
from quality.measures.people import shown_size
from quality.measures.pictures import CURVES
from quality.policy import Policy

RATE_HZ = 10
LIMITS = Policy.load().limits_for()
WALL = np.full((240, 320, 3), (90, 110, 100), np.uint8)
WALL[160:] //= 2  # the floor


def shots(
    who: Any, count: int = 100, *, since_s: float, until_s: float, side: int = 100
) -> list[Picture]:
    """10 s of a wall before which somebody is drawn for a while, going slowly to the right."""
    return [
        who(WALL, 60 + at // 2, 60, side) if since_s <= at / RATE_HZ < until_s else WALL
        for at in range(count)
    ]


def written(path: Path, pictures: list[Picture]) -> Path:
    frames = [np.asarray(cv2.cvtColor(one, cv2.COLOR_BGR2YUV_I420), np.uint8) for one in pictures]
    return write_at(path, frames)


def write_at(path: Path, frames: list[Any]) -> Path:
    return film(path, Shot(frames, [at / RATE_HZ for at in range(len(frames))]), RATE_HZ)


def looked_at(path: Path, models: Models = DRAWN) -> Pictures:
    return measure_camera(Camera("top", VideoFile(path)), models=models)


def flags(name: str, *cameras: Pictures, **asked: float) -> list[Flag]:
    limits = replace(LIMITS[name], settings={**LIMITS[name].settings, **asked})
    return list(BY_NAME[name].function(Measurements(cameras=cameras), limits))


def test_a_face_in_a_film_is_told_with_its_span_and_size(tmp_path: Path) -> None:
    camera = looked_at(written(tmp_path / "a.mp4", shots(with_face, since_s=3, until_s=7)))
    assert (camera.faces.times_ns / NS).tolist() == pytest.approx([0, 2, 4, 6, 8])
    assert camera.faces.counts.tolist() == [0, 0, 1, 1, 0]
    # of 100 pixels from hair to neck the skin is 60 wide
    assert camera.faces.width[2:4] == pytest.approx(60 / 320, abs=0.02)
    (flag,) = flags("face_in_view", camera)
    assert (flag.grade, flag.stream) == (Grade.SUSPECT, "top")
    assert flag.span.start_ns / NS == pytest.approx(3, abs=0.1)
    assert flag.span.end_ns / NS == pytest.approx(7, abs=0.1)
    assert flag.measured == pytest.approx(4, abs=0.1)
    assert "a face of up to 18 % of the width is seen for 4.0 s at 3.0 s" in flag.message


def test_a_head_from_behind_is_no_face(tmp_path: Path) -> None:
    camera = looked_at(written(tmp_path / "a.mp4", shots(with_back, since_s=3, until_s=7)))
    assert camera.faces.counts.tolist() == [0] * 5
    assert flags("face_in_view", camera) == []


def test_without_a_model_nobody_looks_and_nothing_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", shots(with_face, since_s=0, until_s=10))
    camera = looked_at(path, Models())
    assert (camera.face_model, camera.hand_model) == ("", "")
    assert len(camera.faces.times_ns) == len(camera.hands.times_ns) == 0
    assert flags("face_in_view", camera) == flags("no_hand", camera) == []
    (flag,) = flags("no_hand", camera, require=1)
    assert (flag.grade, flag.span.duration_ns / NS) == (Grade.UNKNOWN, pytest.approx(10, abs=0.2))
    assert "--hand-model" in flag.message


def test_each_model_is_used_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", shots(with_hand, since_s=0, until_s=10))
    camera = looked_at(path, Models(hand=DRAWN.hand))
    assert (camera.face_model, camera.hand_model) == ("", "drawn hands")
    assert camera.hands.counts.tolist() == [1] * 3
    assert (camera.hands.times_ns / NS).tolist() == pytest.approx([0, 4, 8])


def test_a_hand_that_leaves_for_long_is_missed_and_one_that_leaves_shortly_is_not(
    tmp_path: Path,
) -> None:
    long = shots(with_hand, 200, since_s=0, until_s=7.9)
    camera = looked_at(written(tmp_path / "long.mp4", long))
    assert flags("no_hand", camera) == []
    (flag,) = flags("no_hand", camera, require=1)
    assert (flag.check, flag.grade, flag.stream) == ("no_hand", Grade.SUSPECT, "top")
    assert (camera.hands.times_ns / NS).tolist() == pytest.approx([0, 4, 8, 12, 16])
    assert flag.span.start_ns / NS == pytest.approx(7.9, abs=2.0)
    assert flag.span.end_ns / NS == pytest.approx(20, abs=0.2)
    short = shots(with_hand, 200, since_s=0, until_s=12.5)
    assert flags("no_hand", looked_at(written(tmp_path / "short.mp4", short)), require=1) == []


def test_a_hand_that_another_camera_sees_is_in_view() -> None:
    sees, other = camera_of(hands=[1] * 10), camera_of(hands=[0] * 10)
    assert [flag.stream for flag in flags("no_hand", other, require=1)] == ["top"]
    assert flags("no_hand", sees, other, require=1) == []
    neither = flags("no_hand", other, other, require=1)
    assert [(flag.stream, flag.measured) for flag in neither] == [(None, 40.0)]


@pytest.mark.parametrize("cameras", [1, 2, 4])
def test_time_in_which_no_camera_delivered_counts_for_nothing(cameras: int) -> None:
    camera = camera_of(hands=[0] * 4)
    late = np.where(camera.times_ns >= 8 * NS, camera.times_ns + 60 * NS, camera.times_ns)
    (flag,) = flags("no_hand", *[replace(camera, times_ns=late)] * cameras, require=1)
    assert flag.measured == pytest.approx(16, abs=0.2)


def test_in_the_dark_no_hand_is_missed() -> None:
    dark = camera_of(hands=[0] * 10, contrast=3.0)
    assert flags("no_hand", dark, require=1) == []


def test_a_face_is_not_seen_while_no_pictures_come() -> None:
    camera = camera_of(faces=[0, 1, 1, 0])
    late = np.where(camera.times_ns >= 5 * NS, camera.times_ns + 60 * NS, camera.times_ns)
    (flag,) = flags("face_in_view", replace(camera, times_ns=late))
    assert (flag.span.start_ns / NS, flag.span.end_ns / NS) == (1.0, 6.0)


def test_where_no_pictures_came_no_hand_is_missed() -> None:
    camera = camera_of(hands=[1, 1, 0, 1, 1])
    late = np.where(camera.times_ns >= 10 * NS, camera.times_ns + 60 * NS, camera.times_ns)
    assert flags("no_hand", replace(camera, times_ns=late), require=1) == []


def test_one_missed_look_does_not_part_a_stretch_and_many_do() -> None:
    flickering = camera_of(faces=[0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0])
    spans = [flag.span for flag in flags("face_in_view", flickering)]
    assert [(s.start_ns / NS, s.end_ns / NS) for s in spans] == [(1.0, 15.0), (21.0, 23.0)]


@pytest.mark.parametrize(("setting", "value"), [("score", 0.95), ("width", 25)])
def test_faces_that_are_unsure_or_small_are_left_out(setting: str, value: float) -> None:
    camera = camera_of(faces=[0, 1, 1, 0])  # a fifth of the width, score 0.9
    assert len(flags("face_in_view", camera)) == 1
    assert flags("face_in_view", camera, **{setting: value}) == []


def camera_of(
    *, faces: list[int] | None = None, hands: list[int] | None = None, contrast: float = 50.0
) -> Pictures:
    """A camera at 10 Hz in which so much was found, faces every 2 s and hands every 4."""
    count = max(20 * len(faces or ()), 40 * len(hands or ()))
    curves = {name: np.full(count, 100.0, np.float32) for name in CURVES}
    looks: dict[str, Any] = {}
    for kind, found, step in (("face", faces, 20), ("hand", hands, 40)):
        if found is not None:
            counts = np.array(found, np.int32)
            looks |= {
                f"{kind}_model": "by hand",
                f"{kind}_looked": np.arange(len(counts), dtype=np.int32) * step,
                f"{kind}_count": counts,
                f"{kind}_width": np.float32(0.2) * (counts > 0),
                f"{kind}_score": np.float32(0.9) * (counts > 0),
            }
    curves["contrast"] = np.full(count, contrast, np.float32)
    times = np.arange(count, dtype=np.int64) * NS // RATE_HZ
    return Pictures("top", times, repeat=np.zeros(count, np.bool_), **curves, **looks)


@given(
    found=st.lists(st.integers(0, 2), min_size=1, max_size=60),
    shift_ns=st.integers(0, 10**12),
)
@settings(max_examples=60, deadline=None)
def test_spans_follow_the_time_and_lie_apart_within_the_camera(
    found: list[int], shift_ns: int
) -> None:
    camera = camera_of(faces=found, hands=found)
    later = replace(camera, times_ns=camera.times_ns + shift_ns)
    for name in ("face_in_view", "no_hand"):
        some, moved = (flags(name, one, require=1) for one in (camera, later))
        assert [flag.span.start_ns + shift_ns for flag in some] == [f.span.start_ns for f in moved]
        assert [flag.measured for flag in some] == pytest.approx([f.measured for f in moved])
        assert all(one.span.end_ns <= other.span.start_ns for one, other in pairwise(some))
        within = [flag.span for flag in some]
        assert all(span.start_ns >= 0 and span.end_ns <= camera.span.end_ns for span in within)
        assert all(flag.measured <= flag.span.duration_ns / NS + 1e-9 for flag in some)


def test_a_picture_is_turned_before_it_is_looked_at(tmp_path: Path) -> None:
    upright = [with_hand(np.ascontiguousarray(WALL[:, :180]), 40, 60, 100)] * 20
    lying = [np.ascontiguousarray(np.rot90(one, -1)) for one in upright]
    straight = looked_at(written(tmp_path / "straight.mp4", upright))
    turned = looked_at(turned_back(written(tmp_path / "turned.mp4", lying)))
    assert (turned.width, turned.height) == (straight.width, straight.height) == (180, 240)
    assert turned.hands.width == pytest.approx(straight.hands.width, abs=0.02)
    assert straight.hands.width[0] == pytest.approx(0.57 * 100 / 180, abs=0.03)


def turned_back(path: Path) -> Path:
    """The file with a display matrix that says to turn its pictures by a quarter to the left."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", 0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def test_pictures_in_a_log_are_looked_at_in_their_colours() -> None:
    log = Carried(tuple(shots(with_face, 50, since_s=0, until_s=3)), rate_hz=RATE_HZ)
    assert measure_camera(Camera("top", log), models=DRAWN).faces.counts.tolist() == [1, 1, 0]


def test_grey_pictures_are_not_looked_at() -> None:
    grey = np.asarray(cv2.cvtColor(with_face(WALL, 60, 60, 100), cv2.COLOR_BGR2GRAY), np.uint8)
    camera = measure_camera(Camera("top", Carried((grey,) * 30, rate_hz=RATE_HZ)), models=DRAWN)
    assert (camera.count, len(camera.faces.times_ns)) == (30, 0)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1280, 720), (448, 252)),
        ((720, 1280), (252, 448)),
        ((640, 480), (388, 290)),
        ((320, 240), (320, 240)),
        ((7680, 100), (2944, 38)),
        ((2, 2), (16, 16)),
    ],
)
def test_pictures_are_shown_small_and_in_their_shape(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert shown_size(*size) == shown


def test_a_detector_that_fails_over_a_picture_has_not_looked_at_it(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Choosy:
        identity: str = "choosy"

        def opened(self) -> Choosy:
            return self

        def __call__(self, picture: Picture) -> Any:
            if picture[..., 2].max() > 200:  # the white of an eye
                raise cv2.error("no picture for me")
            return np.empty((0, 5), np.float32)

    path = written(tmp_path / "a.mp4", shots(with_face, since_s=0, until_s=4.5))
    camera = looked_at(path, Models(face=Choosy()))
    assert (camera.count, camera.error) == (100, None)
    assert (camera.faces.times_ns / NS).tolist() == pytest.approx([6, 8])


def test_what_was_seen_is_stored_and_read_again(tmp_path: Path) -> None:
    camera = looked_at(written(tmp_path / "a.mp4", shots(with_face, since_s=3, until_s=7)))
    Measurements(cameras=(camera,)).save(tmp_path / "kept")
    (kept,) = Measurements.load(tmp_path / "kept").cameras
    for one in fields(Pictures):
        np.testing.assert_array_equal(getattr(kept, one.name), getattr(camera, one.name))
    assert flags("face_in_view", kept) == flags("face_in_view", camera)


def test_a_recording_is_measured_again_when_a_model_is_given_that_has_not_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jobs.screening

    path = written(tmp_path / "a.mp4", shots(with_face, since_s=3, until_s=7))
    passes: list[Models] = []
    measure = jobs.screening.measure

    def counted(*given: Any, models: Models, **named: Any) -> Measurements:
        passes.append(models)
        return measure(*given, models=models, **named)

    monkeypatch.setattr(jobs.screening, "measure", counted)

    def faces_found(models: Models) -> int:
        store = tmp_path / "store"
        (one,) = screen(path, Policy.load(), store=store, threads=1, models=models)
        return sum(flag.check == "face_in_view" for flag in one.verdict.flags)

    other = replace(DRAWN.face, identity="another")  # type: ignore[type-var]
    found = [faces_found(m) for m in (Models(), DRAWN, DRAWN, Models(), Models(face=other))]
    assert found == [0, 1, 1, 1, 1]
    assert len(passes) == 3


def test_a_verdict_names_the_face(tmp_path: Path) -> None:
    camera = looked_at(written(tmp_path / "a.mp4", shots(with_face, since_s=3, until_s=7)))
    verdict = judge(Measurements(cameras=(camera,)), Policy.load())
    assert "face_in_view" in [flag.check for flag in verdict.flags]
    assert verdict.grade is Grade.SUSPECT


@pytest.mark.parametrize("kind", [FaceModel, HandModel])
def test_a_file_that_is_no_model_is_told_at_once(tmp_path: Path, kind: Any) -> None:
    other = tmp_path / "notes.onnx"
    other.write_text("not a model")
    with pytest.raises(ModelError, match=r"notes\.onnx holds no model that finds"):
        kind.read(other)
    with pytest.raises(ModelError, match="cannot be read"):
        kind.read(tmp_path / "absent.onnx")


@pytest.mark.parametrize("logits_first", [False, True])
@pytest.mark.parametrize(
    ("size", "red", "box"),
    [
        # a square of 192 is not shrunk: the cell's middle is at 84, 44
        ((192, 192), (80, 40, 8), (68, 28, 32, 32)),
        # twice as wide and as high as that: everything is
        ((384, 192), (160, 80, 16), (136, 56, 64, 64)),
        ((192, 384), (160, 352, 16), (136, 328, 64, 64)),
        # at the edge the box reaches beyond the picture
        ((192, 192), (0, 184, 8), (-12, 172, 32, 32)),
    ],
)
def test_a_palm_is_where_its_anchor_says(
    tmp_path: Path,
    size: tuple[int, int],
    red: tuple[int, int, int],
    box: tuple[int, int, int, int],
    logits_first: bool,
) -> None:
    model = HandModel.read(red_palms(tmp_path / "red.onnx", logits_first=logits_first))
    left, top, side = red
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[top : top + side, left : left + side, 2] = 255
    found = model.opened()(picture)
    assert found == pytest.approx(np.array([[*box, 1.0]]), abs=1e-3)
    assert model.opened()(picture[..., ::-1].copy()).shape == (0, 5)  # blue


def test_of_two_boxes_that_overlap_the_surer_one_stays(tmp_path: Path) -> None:
    detect = HandModel.read(red_palms(tmp_path / "red.onnx")).opened()
    picture = np.zeros((192, 192, 3), np.uint8)
    picture[40:48, 80:88, 2], picture[40:48, 88:96, 2] = 255, 230
    picture[120:128, 80:88, 2] = 255
    assert sorted(map(tuple, detect(picture)[:, :2].tolist())) == [(68, 28), (68, 108)]


def test_a_model_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="192 x 192"):
        HandModel.read(red_palms(tmp_path / "red.onnx", side=256))


def given_model(name: str) -> Path:
    """The file that a variable names; skips where it names none."""
    path = os.environ.get(name)
    if not path:
        pytest.skip(f"no model: set {name}")
    return Path(path)


def test_yunet_sees_a_drawn_face_and_not_the_back_of_the_head(tmp_path: Path) -> None:
    path = given_model("DAILIES_TEST_FACE_MODEL")
    models = Models.at(path, None)
    face = looked_at(written(tmp_path / "a.mp4", shots(with_face, since_s=3, until_s=7)), models)
    assert face.face_model.startswith(f"{path.name}@")
    assert face.faces.counts.tolist() == [0, 0, 1, 1, 0]
    assert face.faces.width[2:4] == pytest.approx(0.55 * 100 / 320, abs=0.03)
    back = looked_at(written(tmp_path / "b.mp4", shots(with_back, since_s=3, until_s=7)), models)
    assert back.faces.counts.tolist() == [0] * 5
    with pytest.raises(ModelError, match="holds no model that finds hands"):
        HandModel.read(path)


def test_mediapipe_sees_a_hand(tmp_path: Path) -> None:
    path = given_model("DAILIES_TEST_HAND_MODEL")
    models = Models.at(None, path)
    some = shots(with_hand, since_s=3, until_s=7, side=80)
    hand = looked_at(written(tmp_path / "a.mp4", some), models)
    assert (hand.hands.times_ns / NS).tolist() == pytest.approx([0, 4, 8])
    assert hand.hands.counts.tolist() == [0, 1, 0]
    with pytest.raises(ModelError, match="holds no model that finds faces"):
        FaceModel.read(path)


def test_real_faces_and_hands_are_seen_and_robots_are_none(samples: Path) -> None:
    models = Models.at(
        given_model("DAILIES_TEST_FACE_MODEL"), given_model("DAILIES_TEST_HAND_MODEL")
    )
    man = looked_at(samples / "videos" / "carphone_pristine.mp4", models)
    assert (man.faces.counts == 1).all()
    hand = looked_at(samples / "videos" / "human_hand_video.mp4", models)
    assert (hand.hands.counts == 1).all()
    assert not hand.faces.counts.any()
    for path in sorted(samples.glob("lerobot_*/videos/**/*.mp4"))[::4]:
        assert not looked_at(path, models).faces.counts.any(), path
