"""Motion blur, flicker, torn pictures, colour and size, each beside its near miss; the clips are
written by a real encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import clips
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from dailies.recordings.contract import Camera, CarriedPicture, VideoFile
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME
from quality.measures import Measurements, Pictures
from quality.measures.decode import measure_camera
from quality.measures.pictures import CURVES
from quality.measures.planes import chroma_points, tint_of
from quality.policy import Policy

LIMITS = Policy.load().limits_for()
COUNT, START, STOP = 120, 30, 90
Colours = npt.NDArray[np.uint8]
"""A picture in I420: rows of luma, then of blue and red, (3 h / 2, w)."""


def judged(name: str, camera: Pictures) -> list[Flag]:
    return list(BY_NAME[name].function(Measurements(cameras=(camera,)), LIMITS[name]))


def filmed(tmp_path: Path, frames: list[clips.Frame]) -> Pictures:
    path = clips.write(tmp_path / "grey.mp4", frames)
    return measure_camera(Camera("front", VideoFile(path)))


def spoilt(frames: list[clips.Frame], change: Callable[[clips.Frame], object]) -> list[clips.Frame]:
    return [
        np.asarray(change(frame), np.uint8) if START <= at < STOP else frame
        for at, frame in enumerate(frames)
    ]


def in_colour(frame: clips.Frame) -> Colours:
    """The wall with a red and a blue field on it, the rest grey."""
    height, width = frame.shape
    chroma = np.full((2, height // 2, width // 2), 128, np.uint8)
    chroma[1, 20:80, 10:60] = 180
    chroma[0, 20:80, 90:140] = 170
    return np.concatenate([frame, chroma.reshape(-1, width)])


def planes(picture: Colours) -> tuple[Colours, Colours, Colours]:
    height, width = len(picture) * 2 // 3, picture.shape[1]
    blue, red = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], blue, red


def filmed_in_colour(
    tmp_path: Path,
    change: Callable[[Colours], object],
    spoilt: slice = slice(START, STOP),
    frames: list[clips.Frame] | None = None,
) -> Pictures:
    """The panning wall in colour, spoilt in place from 1 to 3 s, or as long as is said."""
    pictures = [in_colour(frame) for frame in frames or clips.scene(COUNT)]
    for picture in pictures[spoilt]:
        change(picture)
    path = tmp_path / "colour.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast"}
        for at, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts, frame.time_base = at, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return measure_camera(Camera("front", VideoFile(path)))


def only(found: list[Flag], *, start_s: float = 1.0, end_s: float = 3.0) -> Flag:
    assert len(found) == 1, [flag.message for flag in found]
    assert found[0].span.start_ns / NS == pytest.approx(start_s, abs=0.35)
    assert found[0].span.end_ns / NS == pytest.approx(end_s, abs=0.35)
    return found[0]


def test_edges_smeared_along_the_motion_are_motion_blur_and_not_blur(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), lambda f: cv2.blur(f, (17, 1))))
    assert only(judged("motion_blur", camera)).grade is Grade.SUSPECT
    assert judged("blur", camera) == []


@pytest.mark.parametrize(("across_px", "flags"), [(2.0, 1), (2.2, 1), (2.7, 0)])
def test_a_smear_aslant_widens_the_other_direction_too_but_less(
    tmp_path: Path, across_px: float, flags: int
) -> None:
    curves = {"smear_px": 3.0, "edge_px": across_px, "motion": 2.0, "texture": 10.0}
    made = {name: np.full(COUNT, value, np.float32) for name, value in curves.items()}
    camera = replace(filmed(tmp_path, clips.scene(COUNT)), **made)
    assert len(judged("motion_blur", camera)) == flags


def test_defocus_is_blur_and_not_motion_blur(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), lambda f: clips.blurred(f, 4)))
    assert judged("motion_blur", camera) == []
    assert len(judged("blur", camera)) == 1


def test_a_short_smear_is_no_motion_blur(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), lambda f: cv2.blur(f, (4, 1))))
    assert judged("motion_blur", camera) == []


def beating(frames: list[clips.Frame], hertz: float, share: float) -> list[clips.Frame]:
    """Light that beats by ``share`` of itself, peak to peak."""
    light = 1 + share / 2 * np.sin(2 * np.pi * hertz * np.arange(len(frames)) / 30)
    return [
        np.clip(frame * light[at], 0, 255).astype(np.uint8) if START <= at < STOP else frame
        for at, frame in enumerate(frames)
    ]


@pytest.mark.parametrize("hertz", [5, 10, 13])
def test_light_that_beats_is_flicker(tmp_path: Path, hertz: float) -> None:
    camera = filmed(tmp_path, beating(clips.still_scene(COUNT), hertz, 0.12))
    found = only(judged("flicker", camera))
    assert found.grade is Grade.SUSPECT
    assert found.measured == pytest.approx(12, rel=0.2)


def test_light_that_beats_while_the_view_gets_brighter_is_flicker() -> None:
    count, rate_hz = 100, 10
    times_s = np.arange(count) / rate_hz
    beats = np.where((times_s >= 4) & (times_s < 7), 0.06 * np.sin(2 * np.pi * times_s / 0.3), 0)
    luma = (90 + 40 * np.sin(2 * np.pi * times_s / 6)) * (1 + beats)
    motion = np.abs(np.diff(luma, prepend=luma[:1])) + 4
    curves = {name: np.full(count, 60.0) for name in CURVES} | {"luma": luma, "motion": motion}
    repeat = np.zeros(count, np.bool_)
    camera = Pictures("wrist", np.arange(count) * NS // rate_hz, repeat=repeat, **curves)
    (found,) = judged("flicker", camera)
    assert found.span.start_ns / NS == pytest.approx(4, abs=0.6)
    assert found.span.end_ns / NS == pytest.approx(7, abs=0.6)
    assert found.measured == pytest.approx(12, rel=0.15)


@pytest.mark.parametrize(("dips", "found"), [(1, False), (5, True)])
def test_dark_things_that_come_into_view_once_are_no_beat(dips: int, found: bool) -> None:
    """All of the view darkens for a third of a second, as beside a table's edge; or again and
    again."""
    at = np.arange(150)
    curve = np.zeros(150)
    for number in range(dips):
        curve += np.exp(-0.5 * ((at - 60 - 7 * number) / 2.0) ** 2)
    luma = 190 - 45 * curve
    motion = np.abs(np.diff(luma, prepend=luma[:1])) + 0.5
    curves = {name: np.full(150, 60.0) for name in CURVES} | {"luma": luma, "motion": motion}
    repeat = np.zeros(150, np.bool_)
    camera = Pictures("wrist", np.arange(150) * NS // 30, repeat=repeat, **curves)
    assert bool(judged("flicker", camera)) is found


@pytest.mark.parametrize("rate_hz", [2, 4, 6])
def test_light_of_a_camera_too_slow_for_a_beat_does_not_flicker(rate_hz: int) -> None:
    count = 100
    curves = {name: np.full(count, 60.0) for name in CURVES}
    curves["luma"] = 60 + 10.0 * (np.arange(count) % 2)
    repeat = np.zeros(count, np.bool_)
    camera = Pictures("shelf", np.arange(count) * NS // rate_hz, repeat=repeat, **curves)
    assert judged("flicker", camera) == []


def test_light_that_hardly_beats_or_changes_once_is_no_flicker(tmp_path: Path) -> None:
    frames = beating(clips.still_scene(COUNT), 10, 0.01)
    frames[60:] = [np.clip(frame * 1.3, 0, 255).astype(np.uint8) for frame in frames[60:]]
    assert judged("flicker", filmed(tmp_path, frames)) == []


def test_a_thing_that_swings_before_the_camera_is_no_flicker(tmp_path: Path) -> None:
    frames = clips.still_scene(COUNT)
    for at, frame in enumerate(frames):
        left = round(110 + 100 * np.sin(2 * np.pi * 4 * at / 30))
        frame[60:180, left : left + 80] = 250
    camera = filmed(tmp_path, frames)
    assert np.ptp(camera.luma) > 1
    assert judged("flicker", camera) == []


def lower_half_lost(picture: Colours) -> None:
    for plane in planes(picture):
        plane[len(plane) // 2 :] = 128


def green_blocks(picture: Colours) -> None:
    for plane in planes(picture):
        plane[: len(plane) // 5, plane.shape[1] // 3 :] = 0


@pytest.mark.parametrize(("tear", "share"), [(lower_half_lost, 50), (green_blocks, 13)])
def test_what_was_never_drawn_is_torn(
    tmp_path: Path, tear: Callable[[Colours], object], share: float
) -> None:
    camera = filmed_in_colour(tmp_path, tear)
    found = only(judged("torn_picture", camera))
    assert found.measured == pytest.approx(share, abs=3)
    assert found.grade is (Grade.FAIL if share > 20 else Grade.SUSPECT)


def test_a_grey_wall_and_a_green_thing_are_drawn(tmp_path: Path) -> None:
    def shows(picture: Colours) -> None:
        luma, blue, red = planes(picture)
        luma[200:, 60:] = 128  # a box of that very grey, from near the left to the edge
        blue[10:40, 10:40], red[10:40, 10:40] = 54, 34  # the purest green there is

    assert judged("torn_picture", filmed_in_colour(tmp_path, shows)) == []


def tint(amount: int) -> Callable[[Colours], None]:
    def change(picture: Colours) -> None:
        _, blue, red = planes(picture)
        blue[:] = np.clip(blue.astype(int) - amount, 16, 240)
        red[:] = np.clip(red.astype(int) + amount // 2, 16, 240)

    return change


def test_a_tinted_picture_has_a_cast(tmp_path: Path) -> None:
    camera = filmed_in_colour(tmp_path, tint(24), slice(None))
    found = only(judged("colour_cast", camera), start_s=0.0, end_s=4.0)
    assert found.grade is Grade.SUSPECT
    assert 24 <= found.measured <= 36


def test_a_cast_that_comes_and_goes_at_once_is_found(tmp_path: Path) -> None:
    found = only(
        judged("colour_cast", filmed_in_colour(tmp_path, tint(16), slice(30, 80))), end_s=2.7
    )
    assert found.grade is Grade.SUSPECT


def test_a_cast_for_a_while_takes_no_colour_from_the_rest(tmp_path: Path) -> None:
    assert judged("no_colour", filmed_in_colour(tmp_path, tint(30), slice(30, 80))) == []


def test_a_faint_cast_makes_no_grey_room_colourless() -> None:
    """A room of little colour, to all of which a cast of 10 codes gives much for two seconds."""
    count, spoilt = 270, slice(80, 140)
    curves = {name: np.full(count, 60.0) for name in CURVES}
    colour, tint_codes = np.full(count, 5.3), np.full(count, 1.5)
    colour[spoilt], tint_codes[spoilt] = 36.0, 10.0
    repeat = np.zeros(count, np.bool_)
    camera = Pictures("top", np.arange(count) * NS // 30, repeat=repeat, **curves)
    camera = replace(camera, colour=colour, tint=tint_codes)
    assert judged("no_colour", camera) == []


def test_a_camera_in_its_night_mode_for_most_of_a_clip_has_no_colour() -> None:
    count = 300
    curves = {name: np.full(count, 60.0) for name in CURVES}
    colour, tint_codes = np.full(count, 9.0), np.full(count, 8.0)
    colour[120:], tint_codes[120:] = 0.4, 0.0
    repeat = np.zeros(count, np.bool_)
    camera = Pictures("top", np.arange(count) * NS // 30, repeat=repeat, **curves)
    camera = replace(camera, colour=colour, tint=tint_codes)
    assert only(judged("no_colour", camera), start_s=4.0, end_s=10.0).grade is Grade.FAIL


def test_a_coloured_thing_before_the_lens_is_no_cast(tmp_path: Path) -> None:
    def thing(picture: Colours) -> None:
        tint(24)(picture)
        luma = planes(picture)[0]
        luma[:] = 80 + luma // 4

    assert judged("colour_cast", filmed_in_colour(tmp_path, thing, slice(30, 80))) == []


def test_warm_light_is_no_cast(tmp_path: Path) -> None:
    assert judged("colour_cast", filmed_in_colour(tmp_path, tint(10), slice(None))) == []


def test_a_scene_of_many_colours_has_no_cast() -> None:
    luma = np.full((60, 80), 120, np.uint8)
    blue, red = np.full((30, 40), 60, np.uint8), np.full((30, 40), 190, np.uint8)
    blue[:, 20:], red[:, 20:] = 196, 66
    assert tint_of(luma, chroma_points(blue, red)).tint < 1
    assert tint_of(luma, chroma_points(blue, red)).colour > 100


def test_a_camera_that_loses_its_colour_is_flagged(tmp_path: Path) -> None:
    def grey(picture: Colours) -> None:
        picture[240:] = 128

    assert only(judged("no_colour", filmed_in_colour(tmp_path, grey))).grade is Grade.FAIL


def still() -> list[clips.Frame]:
    """A fixed camera's view, in which a block goes to and fro."""
    wall = clips.scene(1)[0]
    frames = [wall.copy() for _ in range(COUNT)]
    for at, frame in enumerate(frames):
        left = 150 + round(40 * math.sin(at / 9))
        frame[150:190, left : left + 30] = 200
    return frames


def test_a_fixed_camera_that_loses_its_colour_is_flagged(tmp_path: Path) -> None:
    def faded(picture: Colours) -> None:
        # what x264 leaves of the colour before where nothing else changes
        picture[240:] = 128 + np.round((picture[240:].astype(float) - 128) * 0.22)

    camera = filmed_in_colour(tmp_path, faded, frames=still())
    assert np.nanmin(camera.colour) > 1.0
    assert only(judged("no_colour", camera)).grade is Grade.FAIL


def test_white_china_before_a_fixed_camera_is_no_lost_colour(tmp_path: Path) -> None:
    def china(picture: Colours) -> None:
        luma, blue, red = planes(picture)
        luma[5:, :] = 205 + luma[5:, :] // 16
        for chroma in (blue, red):
            chroma[:] = 128 + np.round((chroma.astype(float) - 128) * 0.22)

    camera = filmed_in_colour(tmp_path, china, frames=still())
    assert judged("no_colour", camera) == []


def test_colour_that_fades_slowly_is_not_lost() -> None:
    count = 450
    camera = Pictures(
        "front",
        np.arange(count, dtype=np.int64) * NS // 30,
        repeat=np.zeros(count, np.bool_),
        colour=np.linspace(12, 2, count),
        **{name: np.full(count, 60.0) for name in CURVES if name != "colour"},
    )
    assert judged("no_colour", camera) == []
    camera = replace(camera, colour=np.where(np.arange(count) < 300, 12.0, 2.0))
    assert [flag.grade for flag in judged("no_colour", camera)] == [Grade.FAIL]


def test_a_grey_camera_and_a_dark_stretch_do_not_lack_colour(tmp_path: Path) -> None:
    def dark(picture: Colours) -> None:
        luma, blue, red = planes(picture)
        luma[:] = 16 + luma // 20
        blue[:] = red[:] = 128

    assert judged("no_colour", filmed_in_colour(tmp_path, dark)) == []
    grey = filmed(tmp_path, clips.scene(COUNT))
    for name in ("no_colour", "torn_picture", "colour_cast"):
        assert judged(name, grey) == []


@dataclass(frozen=True)
class Drawn:
    """Pictures carried one by one, of the widths given, ten a second."""

    widths: list[int]
    path: Path = Path("log")
    coding: str = "raw"
    clock: str = "measured"

    def pictures(self) -> Iterator[CarriedPicture]:
        for at, width in enumerate(self.widths):
            picture = np.full((120, width, 3), at, np.uint8)
            yield CarriedPicture(at * NS // 10, picture)


def test_pictures_that_change_their_size_are_flagged_from_there_on() -> None:
    camera = measure_camera(Camera("front", Drawn([160] * 20 + [200] * 10)))  # type: ignore[arg-type]
    assert camera.sizes == ("160x120", "200x120")
    found = only(judged("picture_size_changed", camera), start_s=2.0)
    assert (found.grade, found.measured) == (Grade.FAIL, 1)
    assert "160x120 become 200x120" in found.message


def test_pictures_of_one_size_have_not_changed() -> None:
    camera = measure_camera(Camera("front", Drawn([160] * 30)))  # type: ignore[arg-type]
    assert judged("picture_size_changed", camera) == []


def test_what_was_measured_before_colour_was_kept_is_not_judged_by_it(tmp_path: Path) -> None:
    whole = filmed(tmp_path, clips.scene(30))
    curves = ("luma", "contrast", "dark_share", "bright_share", "sharpness", "texture", "edge_px")
    kept = {name: getattr(whole, name) for name in (*curves, "motion", "changed_share", "repeat")}
    old = Pictures("front", whole.times_ns, **kept)
    assert all(not judged(name, old) for name in ("motion_blur", "torn_picture", "no_colour"))
    assert "tint" not in Measurements(cameras=(old,)).curves("front")
