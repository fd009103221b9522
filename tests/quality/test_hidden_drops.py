"""Frames lost behind counted times are found in pictures that move, and nothing where they rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from apart import encoded

from benchmarks.defect_episodes import FIXED, drop_episodes
from dailies.recordings.contract import Camera, Episode, VideoFile
from dailies.words import NS, Flag
from quality.checks import BY_NAME
from quality.checks.drops import hidden_drops
from quality.checks.hidden import odds_of_loss, strides
from quality.measures import Measurements, measure
from quality.policy import Policy

WIDTH, HEIGHT, RATE, COUNT = 320, 240, 30, 240
LIMITS = Policy.load().limits_for()["dropped_frames"]
STARVED = ("libx264", {"crf": "40", "preset": "veryfast", "g": "48"})
CODECS = {
    "h264": ("libx264", {"crf": "23", "preset": "veryfast", "g": "48"}),
    "av1": ("libsvtav1", {"crf": "30", "g": "2", "preset": "12"}),
}
Picture = npt.NDArray[np.uint8]


def scene(rests: bool = False, *, steady: bool = False) -> list[Picture]:
    """A wall past which a camera sweeps to and fro or steadily, with a sensor's noise; or rests."""
    times = np.arange(COUNT) / RATE
    at = WIDTH * (1.5 + (0 if rests else 0.8) * np.sin(0.9 * times))
    return shown_from(4.0 * np.arange(COUNT) if steady else at)


def shown_from(at: npt.NDArray[np.float64]) -> list[Picture]:
    """What a camera sees of the wall from these places, with a sensor's noise."""
    rng = np.random.default_rng(4)
    fine = rng.normal(0, 1, (HEIGHT, 4 * WIDTH))
    steps = np.cumsum(np.cumsum(fine, axis=1) * 0.02, axis=0)
    wall = 120 + 60 * np.sin(steps / 3)
    shown = [seen_at(wall, x) + rng.normal(0, 2, (HEIGHT, WIDTH)) for x in at]
    return [np.clip(one, 0, 255).astype(np.uint8) for one in shown]


def seen_at(wall: npt.NDArray[np.float64], left: float) -> npt.NDArray[np.float64]:
    """What is seen from so far on: in whole pixels alone it would go by fits and starts."""
    whole, part = int(left), left % 1
    near, far = (wall[:, at : at + WIDTH] for at in (whole, whole + 1))
    return (1 - part) * near + part * far


def film(path: Path, pictures: list[Picture], codec: str) -> Measurements:
    """The measurements of pictures encoded at a constant rate, however many are missing."""
    encoder, options = CODECS[codec]
    if encoder not in av.codecs_available:
        pytest.skip(f"no encoder {encoder}")
    encoded(codec, _encode, path, pictures, encoder, options)
    return measure(Episode(path, 0, "made", (Camera("top", VideoFile(path)),), ()))


def _encode(path: Path, pictures: list[Picture], encoder: str, options: dict[str, str]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=RATE, options=options)
        height, width = pictures[0].shape
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            planes = np.full((height * 3 // 2, width), 128, np.uint8)
            planes[:height] = picture
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())


def drops(measured: Measurements) -> list[Flag]:
    limits = Policy.load().limits_for()["dropped_frames"]
    return list(BY_NAME["dropped_frames"].function(measured, limits))


def counted(measured: Measurements) -> float:
    """How many frames are said to be missing."""
    return sum(flag.measured for flag in drops(measured))


def places(flags: list[Flag]) -> Iterator[int]:
    """The pictures at which the flags say that frames are missing."""
    return (round(flag.span.start_ns * RATE / NS) + 1 for flag in flags)


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("lost", [1, 2, 5])
def test_lost_frames_are_found_where_they_were(tmp_path: Path, codec: str, lost: int) -> None:
    pictures = scene()
    kept = pictures[:100] + pictures[100 + lost : 200] + pictures[200 + lost :]
    measured = film(tmp_path / "top.mp4", kept, codec)
    assert list(places(drops(measured))) == [100, 200 - lost]


def test_a_camera_that_loses_a_frame_every_second_is_told_of_each(tmp_path: Path) -> None:
    kept = [one for at, one in enumerate(scene(steady=True)) if at % RATE != RATE - 1]
    flags = drops(film(tmp_path / "top.mp4", kept, "h264"))
    assert sum(flag.measured for flag in flags) == COUNT // RATE - 1


def test_a_camera_whose_every_fifth_picture_leaps_moves_so(tmp_path: Path) -> None:
    kept = [one for at, one in enumerate(scene(steady=True)) if at % 6 != 5]
    assert drops(film(tmp_path / "top.mp4", kept, "h264")) == []


@pytest.mark.parametrize(("is_twice", "count"), [(True, 0), (False, 1)])
def test_a_camera_that_shows_each_picture_twice_does_not_leap_where_it_is_fast(
    tmp_path: Path, is_twice: bool, count: int
) -> None:
    kept = scene()
    measured = film(tmp_path / "top.mp4", kept[:100] + kept[101:], "av1")
    (camera,) = measured.cameras
    two, none = camera.motion_two.copy(), np.empty(0, np.float32)
    if is_twice:  # as changes over two pictures are then: the same from either of a pair on
        two[5:95:2], two[107::2] = two[4:94:2], two[106:-1:2]
    # as it was measured before the motion itself was
    camera = replace(camera, motion_two=two, step_share=none, loss_odds=none)
    assert len(drops(replace(measured, cameras=(camera,)))) == count


@pytest.mark.parametrize("codec", list(CODECS))
def test_such_a_camera_makes_no_strides(tmp_path: Path, codec: str) -> None:
    pictures, rng = scene(), np.random.default_rng(0)
    twice = [pictures[at // 2 * 2] + rng.normal(0, 2, (HEIGHT, WIDTH)) for at in range(COUNT)]
    shown = [np.clip(one, 0, 255).astype(np.uint8) for one in twice]
    measured = film(tmp_path / "top.mp4", shown[:100] + shown[101:], codec)
    assert drops(measured) == []
    found = strides(measured.cameras[0])
    assert found
    assert found.excess.max() < 0.5


def moves(at_s: Any) -> Any:
    """How many moves are done by then: each takes 1.3 s, of minimum jerk, after 0.3 s of rest."""
    done, since_s = np.divmod(at_s, 1.6)
    share = np.clip((since_s - 0.3) / 1.3, 0, 1)
    return done + share**3 * (10 - 15 * share + 6 * share**2)


def passing(still: Picture, thing: Picture, *, by_moves: bool = False) -> list[Picture]:
    """A small thing that goes to and fro before a still wall, with a sensor's noise; or in
    moves.
    """
    rng, size = np.random.default_rng(7), thing.shape[0]
    shown = []
    for at_s in np.arange(COUNT) / RATE:
        left, top = 130 + 90 * np.sin(0.9 * at_s), 70 + 40 * np.sin(1.3 * at_s + 0.4)
        if by_moves:
            left, top = 40 + 180 * abs(moves(at_s) % 2 - 1), 90.0
        moved = np.float32([[1, 0, left], [0, 1, top]])
        mask = cv2.warpAffine(np.full((size, size), 1, np.float32), moved, (WIDTH, HEIGHT))
        drawn = cv2.warpAffine(thing.astype(np.float32), moved, (WIDTH, HEIGHT))
        picture = still * (1 - mask) + drawn + rng.normal(0, 1, (HEIGHT, WIDTH))
        shown.append(np.clip(picture, 0, 255).astype(np.uint8))
    return shown


@pytest.mark.parametrize("codec", list(CODECS))
def test_frames_lost_while_a_small_thing_passes_are_found(tmp_path: Path, codec: str) -> None:
    still = cv2.GaussianBlur(scene(rests=True)[0], (0, 0), 3)
    pictures = passing(still, scene()[0][:64, :64])
    assert drops(film(tmp_path / "whole.mp4", pictures, codec)) == []
    lost = (30, 66, 102, 138, 210)
    kept = [one for at, one in enumerate(pictures) if at not in lost]
    measured = film(tmp_path / "top.mp4", kept, codec)
    assert counted(measured) == len(lost)
    # their change alone tells of fewer
    (camera,) = measured.cameras
    nothing = np.empty(0, np.float32)
    none = replace(camera, step_share=nothing, loss_odds=nothing)
    assert counted(replace(measured, cameras=(none,))) < len(lost)


def test_frames_lost_as_an_arm_starts_and_stops_are_told_by_the_odds(tmp_path: Path) -> None:
    made = drop_episodes()[8]
    assert made.label
    pictures = [
        np.asarray(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), np.uint8) for one in made.pictures(FIXED)
    ]
    measured = film(tmp_path / "top.mp4", pictures, "av1")
    lost = [round(at_s * RATE) + 1 for at_s in made.label.at_s]
    (camera,) = measured.cameras
    found = hidden_drops(camera, LIMITS.settings)
    assert np.isin(found, lost).all()
    nothing = np.zeros(camera.count, np.float32)
    none = replace(camera, loss_odds=nothing, loss_amount=nothing, loss_blocks=nothing)
    assert len(found) > len(hidden_drops(none, LIMITS.settings))


TELLS_NOTHING: dict[str, dict[str, npt.NDArray[np.float32]]] = {
    "steps": {"step_share": np.full(COUNT - 1, np.nan, np.float32)},
    "odds": {
        name: np.zeros(COUNT - 1, np.float32)
        for name in ("loss_odds", "loss_amount", "loss_blocks")
    },
}


@pytest.mark.parametrize(
    ("without", "told"),
    [((), 1), (("steps",), 1), (("odds",), 1), (("steps", "odds"), 0)],
    ids=["all", "no steps", "no odds", "the change alone"],
)
def test_two_of_three_must_agree_that_a_frame_was_lost(
    tmp_path: Path, without: tuple[str, ...], told: int
) -> None:
    kept = scene(steady=True)
    measured = film(tmp_path / "top.mp4", kept[:100] + kept[101:], "h264")
    blind: dict[str, Any] = {}
    for one in without:
        blind |= TELLS_NOTHING[one]
    camera = replace(measured.cameras[0], **blind)
    assert len(drops(replace(measured, cameras=(camera,)))) == told


def test_of_a_short_clip_a_leap_counts_that_the_odds_do_not_deny(tmp_path: Path) -> None:
    kept = scene(steady=True)[60:120]
    measured = film(tmp_path / "top.mp4", kept[:30] + kept[31:], "h264")
    (camera,) = measured.cameras
    assert camera.count == 59
    assert strides(camera) is None
    assert len(drops(measured)) == 1
    against = {
        "loss_odds": np.full(59, -12, np.float32),
        "loss_blocks": np.full(59, 4, np.float32),
    }
    denied = replace(camera, **against)
    assert drops(replace(measured, cameras=(denied,))) == []


@pytest.mark.parametrize(
    ("changes", "told"), [("at once", 0), ("slowly", 1)], ids=["white balance", "as it goes"]
)
def test_where_the_tint_changes_at_once_it_is_no_loss(
    tmp_path: Path, changes: str, told: int
) -> None:
    kept = scene(steady=True)
    measured = film(tmp_path / "top.mp4", kept[:12] + kept[13:], "h264")
    (camera,) = measured.cameras
    at = np.arange(camera.count)
    tint = np.where(at < 12, 1.0, 11.0) if changes == "at once" else 10.0 * at / camera.count
    tinted = replace(camera, tint=tint.astype(np.float32))
    assert len(drops(replace(measured, cameras=(tinted,)))) == told


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize(("light", "found"), [(0, True), (60, False)], ids=["as lit", "a lamp"])
def test_many_frames_lost_at_once_are_told_though_nothing_can_be_followed(
    tmp_path: Path, codec: str, light: int, found: bool
) -> None:
    """The view is another one at once, and somewhat darker; or a lamp is switched on."""
    shown = scene(steady=True)
    if light:
        lit = [np.clip(one.astype(int) + light, 0, 255).astype(np.uint8) for one in shown]
        shown = shown[:120] + lit[120:]
    else:
        wall = shown_from(700 + 2.0 * np.arange(120))
        dim = [np.clip(one.astype(int) - 8, 0, 255).astype(np.uint8) for one in wall]
        shown = shown[:120] + dim
    shown = [(60 + 0.5 * one).astype(np.uint8) for one in shown]  # a cut changes more
    assert bool(drops(film(tmp_path / "top.mp4", shown, codec))) is found


@pytest.mark.parametrize("codec", list(CODECS))
def test_what_turns_round_slowly_repeats_nothing(tmp_path: Path, codec: str) -> None:
    """A camera that goes to and fro and rests at either end for a moment."""
    at_s = np.arange(COUNT) / RATE
    way = 60 * np.sign(np.sin(1.7 * at_s)) * np.abs(np.sin(1.7 * at_s)) ** 0.3
    shown = shown_from(WIDTH * 1.5 + np.convolve(way, np.hanning(15) / 7, "same"))
    assert drops(film(tmp_path / "top.mp4", shown, codec)) == []


@pytest.mark.parametrize("codec", list(CODECS))
def test_what_passes_from_block_to_block_is_no_loss(tmp_path: Path, codec: str) -> None:
    still, thing = cv2.GaussianBlur(scene(rests=True)[0], (0, 0), 3), scene()[0][:64, :64]
    measured = film(tmp_path / "whole.mp4", passing(still, thing, by_moves=True), codec)
    assert drops(measured) == []
    # by the blocks alone it would be
    (camera,) = measured.cameras
    blocks = replace(camera, loss_amount=np.zeros_like(camera.loss_amount))
    odds = odds_of_loss(blocks)
    assert odds
    assert ((odds.odds > 0.6) & (odds.blocks > 2.5)).sum() > 1


@pytest.mark.parametrize("codec", list(CODECS))
def test_a_leap_of_the_change_counts_for_nothing_where_the_motion_goes_on_evenly(
    tmp_path: Path, codec: str
) -> None:
    pictures = scene()
    measured = film(tmp_path / "top.mp4", pictures[:100] + pictures[101:], codec)
    (camera,) = measured.cameras
    even = np.ones_like(camera.step_share), np.full_like(camera.step_error, 0.05)
    # by steps alone, and the change
    none = np.empty(0, np.float32)
    camera = replace(camera, step_share=even[0], step_error=even[1], loss_odds=none)
    assert len(drops(measured)) == 1
    assert drops(replace(measured, cameras=(camera,))) == []


def test_what_a_codec_short_of_bits_makes_up_for_is_no_drop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODECS, "starved", STARVED)
    measured = film(tmp_path / "top.mp4", scene(steady=True), "starved")
    assert drops(measured) == []
    # with what its key pictures took unknown, it leaps
    (camera,) = measured.cameras
    unknown = replace(camera, key_bytes=np.empty(0, np.int32))
    assert drops(replace(measured, cameras=(unknown,))) != []


@pytest.mark.parametrize(
    ("error", "unevenness", "told"),
    [(0.1, 0.1, 1), (0.36, 0.1, 1), (0.3, 0.35, 0), (0.45, 0.1, 0), (0.1, 0.6, 0)],
    ids=["clear", "one makes up", "both weak", "error too large", "too uneven"],
)
def test_the_two_proofs_of_a_stride_count_together(
    tmp_path: Path, error: float, unevenness: float, told: int
) -> None:
    """One step of 2 among others, whose rise usually is of ``unevenness``."""
    measured = film(tmp_path / "top.mp4", scene(steady=True), "av1")
    (camera,) = measured.cameras
    share = (
        1 + np.where(np.arange(COUNT) % 4 < 2, 0.25, -0.25).astype(np.float32) * unevenness / 0.37
    )
    share[100] = 2.0
    steps = {"step_share": share, "step_error": np.full(COUNT, error, np.float32)}
    made = replace(camera, **steps, loss_odds=np.empty(0, np.float32))
    assert len(drops(replace(measured, cameras=(made,)))) == told


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("rests", [False, True], ids=["moving", "at rest"])
def test_a_whole_clip_has_no_drops(tmp_path: Path, codec: str, rests: bool) -> None:
    assert drops(film(tmp_path / "top.mp4", scene(rests), codec)) == []


@pytest.mark.parametrize("codec", list(CODECS))
def test_a_picture_that_stands_in_for_a_lost_one_is_found(tmp_path: Path, codec: str) -> None:
    pictures = scene()
    pictures[100] = pictures[99]
    found = drops(film(tmp_path / "top.mp4", pictures, codec))
    assert list(places(found)) == [100]


def test_what_is_measured_over_two_pictures_is_kept(tmp_path: Path) -> None:
    measured = film(tmp_path / "top.mp4", scene(), "h264")
    measured.save(tmp_path / "kept")
    camera, kept = measured.cameras[0], Measurements.load(tmp_path / "kept").cameras[0]
    assert kept.keys.tolist() == camera.keys.tolist() == list(range(0, COUNT, 48))
    assert kept.motion_two.tolist() == camera.motion_two.tolist()
    np.testing.assert_array_equal(kept.step_share, camera.step_share)
    np.testing.assert_array_equal(kept.step_error, camera.step_error)
    np.testing.assert_array_equal(kept.loss_odds, camera.loss_odds)
    np.testing.assert_array_equal(kept.loss_blocks, camera.loss_blocks)
    np.testing.assert_array_equal(kept.loss_amount, camera.loss_amount)
    np.testing.assert_array_equal(kept.way, camera.way)
    assert kept.way.shape == (COUNT, 2)
    assert len(camera.motion_two) == camera.count
    # two steps of a motion change more than one
    moving = camera.motion > 2
    assert np.all(camera.motion_two[moving][2:] > camera.motion[moving][2:])


def test_measurements_from_before_are_still_judged(tmp_path: Path) -> None:
    pictures = scene()
    measured = film(tmp_path / "top.mp4", pictures[:100] + pictures[106:], "h264")
    none, nowhere = np.empty(0, np.float32), np.empty((0, 2), np.float32)
    old = replace(
        measured.cameras[0],
        motion_two=none,
        step_share=none,
        step_error=none,
        loss_odds=none,
        loss_blocks=none,
        loss_amount=none,
        way=nowhere,
    )
    assert len(drops(replace(measured, cameras=(old,)))) == 1
