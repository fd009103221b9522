"""Sound is told against pictures by what both hold, and nothing is told where nothing can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.clap_films import Plan, make_film, mux, pictures, sound
from benchmarks.claps import envelope_of, microphone
from dailies.recordings import episodes_at
from dailies.recordings.contract import Audio, Camera, Episode, VideoFile
from dailies.words import NS, Flag, Grade, Span
from quality.checks import BY_NAME
from quality.judge import judge
from quality.measures import Measurements, SoundMeasures, measure
from quality.measures.claps import claps
from quality.measures.decode import measure_camera
from quality.measures.moments import flashes_of, stops_of
from quality.measures.onsets import onsets_of
from quality.measures.pictures import Pictures
from quality.measures.sound import Envelope, hear
from quality.measures.sync import SyncMeasures
from quality.measures.two_sounds import compared
from quality.policy import Policy

CLAPS = (4.013, 7.2, 9.97, 14.4)
FLASHES = ((3.1, 0.2), (8.37, 0.4), (15.02, 0.3))
POLICY = Policy.load()


def filmed(folder: Path, plan: Plan) -> Pictures:
    return measure_camera(_episode(make_film(folder / "film.mp4", plan)).cameras[0])


def _episode(path: Path) -> Episode:
    (episode,) = episodes_at(path)
    return episode


@pytest.fixture(scope="module")
def clapping(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Hands that clap four times between their work."""
    return filmed(tmp_path_factory.mktemp("claps"), Plan(claps=CLAPS))


@pytest.fixture(scope="module")
def flashing(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Three flashes of different lengths."""
    return filmed(tmp_path_factory.mktemp("flashes"), Plan(flashes=FLASHES))


def later(times_s: tuple[float, ...], ms: float) -> tuple[float, ...]:
    return tuple(at + ms / 1e3 for at in times_s)


def heard(ms: float = 0, **plan: object) -> Envelope:
    """The sound of the claps, so much later than the pictures show them."""
    made = {"clicks": later(CLAPS, ms)} | plan
    return envelope_of(sound(Plan(**made)))  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", [("aac", "mp4"), ("libopus", "mkv"), ("pcm_s16le", "mov")])
def test_an_onset_is_timed_by_the_container_s_stamps(
    tmp_path: Path, codec: tuple[str, str]
) -> None:
    path = tmp_path / f"a.{codec[1]}"
    dark = [np.zeros((48, 64), np.uint8)] * 300
    mux(path, dark, sound(Plan(length_s=10, clicks=(2.5, 7.25))), codec=codec[0])
    _, envelope = hear(_episode(path).audio[0])
    assert onsets_of(envelope).times_s == pytest.approx([2.5, 7.25], abs=0.002)


def test_a_beep_is_known_by_its_steady_length() -> None:
    beeps = onsets_of(envelope_of(sound(Plan(beeps=((3.0, 0.25),), clicks=(6.0,)))))
    assert beeps.times_s == pytest.approx([3.0, 6.0], abs=0.002)
    assert beeps.lengths_s == pytest.approx([0.25, np.nan], abs=0.01, nan_ok=True)


def test_stops_and_flashes_are_timed_within_a_picture(
    clapping: Pictures, flashing: Pictures
) -> None:
    stops = stops_of(clapping)
    strongest = np.sort(stops.times_s[np.argsort(-stops.strength)[:4]])
    assert strongest == pytest.approx(CLAPS, abs=0.005)
    flashes = flashes_of(flashing)
    assert flashes.times_s == pytest.approx([at for at, _ in FLASHES], abs=1 / 60 + 1e-3)
    assert flashes.lengths_s == pytest.approx([long for _, long in FLASHES], abs=0.04)
    assert not len(flashes_of(clapping).times_s)


@pytest.mark.parametrize("late_ms", [-500, -133, -40, 0, 40, 133, 500])
def test_claps_tell_how_late_the_sound_is(clapping: Pictures, late_ms: int) -> None:
    told = claps(heard(late_ms), clapping, "audio")
    assert (told.stream, told.against, told.method) == ("audio", "video", "heard")
    assert told.offset_ms == pytest.approx(late_ms, abs=6)
    assert told.drift_ppm == 0


@pytest.mark.parametrize("late_ms", [-133, 0, 133])
def test_flashes_with_beeps_tell_it_too(flashing: Pictures, late_ms: int) -> None:
    beeps = tuple((at + late_ms / 1e3, length) for at, length in FLASHES)
    told = claps(heard(beeps=beeps, clicks=()), flashing, "audio")
    assert told.offset_ms == pytest.approx(late_ms, abs=12)


def test_one_flash_with_a_beep_of_its_length_is_unmistakable(tmp_path: Path) -> None:
    camera = filmed(tmp_path, Plan(length_s=8, flashes=((5.0, 0.3),)))
    beep = heard(length_s=8.0, beeps=((5.2, 0.3),), clicks=())
    assert claps(beep, camera, "audio").offset_ms == pytest.approx(200, abs=20)
    for other in ({"beeps": ((5.2, 0.5),)}, {"clicks": (5.2,)}):  # of another length; a knock
        told = claps(heard(**({"length_s": 8.0, "clicks": ()} | other)), camera, "audio")
        assert not told.tells


@pytest.mark.parametrize(
    "other",
    [
        {"talk": 0.1},
        {"music": 0.1},
        {"talk": 0.05, "music": 0.05},
        {"clicks": (7.3,)},
        {"clicks": (2.6, 8.1, 11.3, 16.8)},
        {"clicks": CLAPS[:2]},  # two may agree by chance
        {"room": 0.0},
        {"room": 0.02},
    ],
    ids=str,
)
def test_a_sound_that_holds_no_events_of_the_pictures_tells_nothing(
    clapping: Pictures, flashing: Pictures, other: dict[str, object]
) -> None:
    for camera in (clapping, flashing):
        told = claps(heard(**({"clicks": (), "seed": 9} | other)), camera, "audio")
        assert not told.tells
        assert told.reason


def test_flashes_in_an_even_beat_fit_at_several_offsets(tmp_path: Path) -> None:
    beat = tuple((2 + 0.8 * at, 0.2) for at in range(12))
    camera = filmed(tmp_path, Plan(length_s=13, flashes=beat))
    told = claps(heard(length_s=13.0, clicks=(), beeps=beat), camera, "audio")
    assert (told.tells, told.reason) == (False, "several offsets fit alike")


def test_a_sound_whose_clock_runs_away_is_told_with_its_drift(tmp_path: Path) -> None:
    at = np.array([2.0, 9.1, 16.3, 25.2, 33.8, 41.1, 48.7, 56.2])
    camera = filmed(tmp_path, Plan(length_s=60, claps=tuple(at), jumps=0.3))
    drifting = tuple(at + 0.05 + 3e-3 * (at - 30))
    told = claps(heard(length_s=60.0, clicks=drifting), camera, "audio")
    assert told.offset_ms == pytest.approx(50, abs=6)
    assert told.drift_ppm == pytest.approx(3000, rel=0.1)
    steady = claps(heard(length_s=60.0, clicks=tuple(at)), camera, "audio")
    assert (steady.tells, steady.drift_ppm) == (True, 0)


@settings(max_examples=12, deadline=None)
@given(d_ms=st.integers(-700, 700), shift_s=st.floats(0, 5000))
def test_shifting_the_sound_shifts_the_offset_and_shifting_all_changes_nothing(
    clapping: Pictures, d_ms: int, shift_s: float
) -> None:
    envelope = heard()
    plain = claps(envelope, clapping, "audio")
    assert plain.offset_ms is not None
    moved = replace(envelope, start_s=envelope.start_s + d_ms / 1e3)
    told = claps(moved, clapping, "audio")
    assert told.offset_ms == pytest.approx(plain.offset_ms + d_ms, abs=0.01)
    all_later = replace(clapping, times_ns=clapping.times_ns + round(shift_s * NS))
    told = claps(replace(envelope, start_s=envelope.start_s + shift_s), all_later, "audio")
    assert told.offset_ms == pytest.approx(plain.offset_ms, abs=0.01)
    assert told.start_ns == pytest.approx(plain.start_ns + shift_s * NS, abs=1e4)


@pytest.mark.parametrize(
    ("late_ms", "grade"),
    [(0, None), (40, None), (-40, None), (100, Grade.SUSPECT), (-300, Grade.SUSPECT)],
)
def test_an_encoded_film_whose_sound_is_off_is_suspect(
    tmp_path: Path, late_ms: int, grade: Grade | None
) -> None:
    plan = Plan(length_s=16, claps=CLAPS, clicks=later(CLAPS, late_ms))
    measured = measure(_episode(make_film(tmp_path / "a.mp4", plan)))
    measured.save(tmp_path / "kept")
    for one in (measured, Measurements.load(tmp_path / "kept")):
        flags = [flag for flag in judge(one, POLICY).flags if flag.check == "sound_offset"]
        assert [flag.grade for flag in flags] == ([grade] if grade else [])
        for flag in flags:
            assert flag.stream == "audio"
            assert flag.measured == pytest.approx(abs(late_ms), abs=12)
    assert measured.summary()["audio"]["offset_ms"] == pytest.approx(late_ms, abs=6)


def flags_of(*sync: SyncMeasures, check: str = "sound_offset", **asked: float) -> list[Flag]:
    limits = POLICY.moved(check, asked).limits_for()[check]
    empty = np.empty(0, np.float32)
    sounds = (SoundMeasures("audio", np.empty(0, np.int64), empty, empty, empty),)
    return list(BY_NAME[check].function(Measurements(sync=sync, sounds=sounds), limits))


def said(offset_ms: float, drift_ppm: float = 0.0, stream: str = "audio") -> SyncMeasures:
    return SyncMeasures(
        stream, "top", "heard", True, "", 0, 20 * NS, "camera", offset_ms, drift_ppm, 4.0, 0.0,
        window_times_s=(1.0, 2.0, 3.0),
    )  # fmt: skip


def test_the_flag_says_how_far_the_sound_is_off_and_by_what() -> None:
    assert flags_of(said(69)) == flags_of(said(-71)) == []
    (flag,) = flags_of(said(-133))
    assert (flag.grade, flag.span, flag.measured) == (Grade.SUSPECT, Span(0, 20 * NS), 131)
    assert "audio: 133 ms early against top, by 3 events that are heard and seen" in flag.message
    assert flags_of(said(133), late_ms=115) == []
    (drifting,) = flags_of(said(50, drift_ppm=5000))
    assert drifting.span.start_ns / NS == pytest.approx(14.4, abs=0.1)


def test_sound_that_is_off_is_not_told_once_more_as_drift() -> None:
    assert flags_of(said(400), check="sync_drift") == []
    (flag,) = flags_of(said(400, stream="wrist"), check="sync_drift")
    assert (flag.grade, flag.stream) == (Grade.FAIL, "wrist")
    assert flags_of(said(400, stream="wrist")) == []


def two(late_ms: float, **plan: object) -> SyncMeasures:
    """A camera on the right that is late for the one on the left, each with its own microphone."""
    plain = sound(Plan(**({"length_s": 30.0} | plan)))  # type: ignore[arg-type]
    return compared(
        ("right", envelope_of(microphone(plain, late_ms, 1))),
        ("left", envelope_of(microphone(plain, 0, 2))),
    )


@pytest.mark.parametrize("late_ms", [-700, 7, 133])
@pytest.mark.parametrize("plan", [{"talk": 0.1}, {"talk": 0.02}, {"clicks": CLAPS}], ids=str)
def test_two_cameras_are_told_by_their_sounds_within_5_ms(
    late_ms: int, plan: dict[str, object]
) -> None:
    told = two(late_ms, **plan)
    assert (told.stream, told.against, told.tells) == ("right", "left", True)
    assert told.offset_ms == pytest.approx(late_ms, abs=5)
    assert told.drift_ppm == 0


def test_two_rooms_and_one_sound_in_both_files_tell_nothing_of_the_cameras() -> None:
    for kind in ({"talk": 0.1}, {"music": 0.1}, {"room": 0.02}, {"clicks": CLAPS}):
        rooms = [
            envelope_of(sound(Plan(**({"seed": seed} | kind))))  # type: ignore[arg-type]
            for seed in (1, 2)
        ]
        if "clicks" not in kind:
            assert not compared(("right", rooms[0]), ("left", rooms[1])).tells
    talk = envelope_of(sound(Plan(talk=0.1)))
    assert compared(("right", talk), ("left", talk)).reason == "one sound is in both files"


def test_cameras_with_sound_are_compared_by_it_and_in_no_other_way(tmp_path: Path) -> None:
    plan = Plan(length_s=16, talk=0.1, jumps=1.5)
    shown, spoken = pictures(plan), sound(plan)
    for name, late_ms in (("left", 0), ("right", 90)):
        made = microphone(spoken, late_ms, 3 + late_ms)
        mux(tmp_path / f"{name}.mp4", shown, made)
    names = ("left", "right")
    cameras = tuple(Camera(name, VideoFile(tmp_path / f"{name}.mp4")) for name in names)
    sounds = tuple(Audio(f"{name}.audio", tmp_path / f"{name}.mp4") for name in names)
    measured = measure(Episode(tmp_path, 0, "made", cameras, audio=sounds))
    pairs = [one for one in measured.sync if (one.stream, one.against) == ("right", "left")]
    by_content = [one for one in pairs if one.method != "clock"]
    assert [one.method for one in by_content] == ["heard"]
    assert by_content[0].offset_ms == pytest.approx(90, abs=5)
    flags = [flag for flag in judge(measured, POLICY).flags if flag.check == "sync_drift"]
    assert [flag.stream for flag in flags] == ["right"]


@pytest.mark.parametrize(
    "name",
    [
        "gopro/karma.mp4",
        "videos/flipping_a_pancake.mkv",
        "odd/invalid_userdata.mp4",
        "odd/nasa_13013.mp4",
        "odd/video_with_failing_audio.mp4",
        "odd/zero_empty_stsc.mp4",
    ],
)
def test_real_clips_with_sound_are_not_flagged(samples: Path, name: str) -> None:
    measured = measure(_episode(samples / name))
    assert [one.name for one in measured.sounds]
    flags = judge(measured, POLICY).flags
    assert [flag for flag in flags if flag.check == "sound_offset"] == []
