"""Sound with a defect that can be heard, encoded by a real encoder, and sound without one."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from dailies.recordings import episodes_at
from dailies.recordings.contract import Audio, Episode
from dailies.words import NS, Flag, Grade
from quality.checks import sound as checks
from quality.checks.check import Limits
from quality.judge import judge
from quality.measures import Measurements, measure
from quality.measures.sound import SoundMeasures, measure_sound
from quality.policy import Policy

RATE = 48_000
Samples = npt.NDArray[np.float32]


def room(seconds: float = 8.0, level: float = 0.02) -> Samples:
    """A room with somebody at work: noise that swells and falls, shape (n,)."""
    random = np.random.default_rng(4)
    noise = random.normal(0, 1, round(seconds * RATE))
    swell = 0.3 + np.abs(np.sin(np.arange(len(noise)) / RATE * 1.7))
    return (level * noise * swell).astype(np.float32)


def tone(hz: float, seconds: float = 8.0) -> Samples:
    """A sine of full scale."""
    return np.sin(2 * math.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def encode(path: Path, samples: Samples, codec: str, rate: int = RATE, pictures: int = 0) -> Audio:
    """A file of the samples, in both channels of a stereo stream, and of pictures at 30 Hz."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        if pictures:
            film = container.add_stream("libx264", rate=30)
            film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
            for at in range(pictures):
                drawn = np.full((48, 64), 60 + at % 90, np.uint8)
                container.mux(film.encode(av.VideoFrame.from_ndarray(drawn, format="gray")))
            container.mux(film.encode())
        form = stream.format.name
        for at in range(0, len(samples), 4096):
            block = np.clip(samples[at : at + 4096], -1, 1)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(np.stack([block, block])), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = rate, at
            resampler = av.AudioResampler(format=form, layout="stereo", rate=rate)
            for plain in resampler.resample(frame):
                container.mux(stream.encode(plain))
        container.mux(stream.encode())
    return Audio("audio", path)


@pytest.fixture(params=[("pcm_s16le", "mkv"), ("aac", "mp4"), ("libopus", "mkv")], ids=str)
def form(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Codec and container of the files that a test makes."""
    return request.param


def heard(folder: Path, samples: Samples, form: tuple[str, str]) -> SoundMeasures:
    return measure_sound(encode(folder / f"sound.{form[1]}", samples, form[0]))


def flags(sound: SoundMeasures) -> list[Flag]:
    """What the house policy says of the sound."""
    verdict = judge(Measurements(sounds=(sound,)), Policy.load())
    return [flag for flag in verdict.flags if flag.stream == "audio"]


def test_a_room_in_which_somebody_works_is_not_flagged(
    tmp_path: Path, form: tuple[str, str]
) -> None:
    measured = heard(tmp_path, room(), form)
    assert flags(measured) == []
    assert measured.count == pytest.approx(8 * RATE, abs=3000)
    assert (measured.rate_hz, measured.channels) == (RATE, 2)
    assert float(np.median(measured.rms)) == pytest.approx(0.019, rel=0.25)


def test_a_microphone_that_comes_off_is_silent_from_then_on(
    tmp_path: Path, form: tuple[str, str]
) -> None:
    samples = room()
    samples[4 * RATE :] = 0
    (flag,) = flags(heard(tmp_path, samples, form))
    assert (flag.check, flag.grade) == ("silent_sound", Grade.SUSPECT)
    assert flag.measured == pytest.approx(4.0, abs=0.15)
    assert flag.span.start_ns / NS == pytest.approx(4.0, abs=0.15)


def test_a_second_of_shouting_is_clipped(tmp_path: Path, form: tuple[str, str]) -> None:
    samples = room()
    samples[3 * RATE : 4 * RATE] += 4 * tone(220, 1.0)
    (flag,) = flags(heard(tmp_path, samples, form))
    assert flag.check == "clipped_sound"
    assert flag.span.start_ns / NS == pytest.approx(3.0, abs=0.15)
    assert flag.span.end_ns / NS == pytest.approx(4.0, abs=0.15)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_hum_of_the_mains_is_found(tmp_path: Path, form: tuple[str, str], mains_hz: float) -> None:
    samples = room(level=0.004) + 0.03 * tone(mains_hz) + 0.02 * tone(2 * mains_hz)
    samples += 0.01 * tone(3 * mains_hz)
    measured = heard(tmp_path, samples, form)
    (flag,) = flags(measured)
    assert flag.check == "hum"
    assert measured.hum_hz == mains_hz
    assert measured.hum_level == pytest.approx(
        math.sqrt(0.03**2 + 0.02**2 + 0.01**2) / 1.414, rel=0.1
    )


@pytest.mark.parametrize("hz", [55.0, 110.0, 440.0])
def test_a_steady_tone_that_is_no_mains_is_no_hum(tmp_path: Path, hz: float) -> None:
    samples = room(level=0.004) + 0.03 * tone(hz) + 0.02 * tone(2 * hz)
    assert flags(heard(tmp_path, samples, ("pcm_s16le", "mkv"))) == []


def test_a_knock_is_not_clipped_sound(tmp_path: Path) -> None:
    samples = room()
    samples[3 * RATE : 3 * RATE + 400] = 1.0
    assert flags(heard(tmp_path, samples, ("pcm_s16le", "mkv"))) == []


def test_sound_that_cannot_be_decoded_is_told_and_does_not_raise(tmp_path: Path) -> None:
    audio = encode(tmp_path / "sound.mp4", room(), "aac")
    content = bytearray(audio.path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    audio.path.write_bytes(content)
    measured = measure_sound(Audio("audio", audio.path, declared_count=8 * RATE))
    assert [flag.check for flag in flags(measured) if flag.check == "corrupt_stream"]
    assert measured.count > 0
    assert measure_sound(Audio("audio", tmp_path / "none.mp4")).error is not None
    assert measure_sound(Audio("audio", audio.path, track=3)).error is not None


def test_a_longer_recording_keeps_no_more_spectra(tmp_path: Path) -> None:
    audio = encode(tmp_path / "long.mkv", np.tile(room(10)[: 10 * 8000], 8), "pcm_s16le", 8000)
    measured = measure_sound(audio)
    assert measured.count == 80 * 8000
    assert len(measured.rms) == 8000
    assert measured.hum_hz is None


def test_sound_is_stored_with_the_other_measurements(tmp_path: Path) -> None:
    audio = encode(tmp_path / "sound.mkv", room(2.0), "pcm_s16le")
    measured = measure(Episode(audio.path, 0, "made", audio=(audio,)))
    measured.save(tmp_path / "kept")
    (back,) = Measurements.load(tmp_path / "kept").sounds
    assert back.name == "audio"
    assert np.array_equal(back.rms, measured.sounds[0].rms)
    assert measured.summary()["audio"]["count"] == 2 * RATE


def silent_for(seconds: float) -> list[Flag]:
    """By hand: 10 s of sound whose first ``seconds`` are silent."""
    rms = np.full(1000, 0.01, np.float32)
    rms[: round(seconds * 100)] = 0
    sound = SoundMeasures(
        "audio", np.arange(1000) * 10**7, rms, rms, np.zeros(1000, np.float32), 100, 1, 1000
    )
    limits = Limits(2.0, 9.0, settings={"level": 1e-5, "join_s": 0.05})
    return list(checks.silent_sound(Measurements(sounds=(sound,)), limits))


@pytest.mark.parametrize(
    ("seconds", "grade"),
    [(1.9, None), (2.0, Grade.SUSPECT), (8.9, Grade.SUSPECT), (9.0, Grade.FAIL)],
)
def test_silence_counts_from_the_limit_on(seconds: float, grade: Grade | None) -> None:
    assert [flag.grade for flag in silent_for(seconds)] == ([grade] if grade else [])


def out_of_step(episode: Episode) -> list[Flag]:
    flags = judge(measure(episode, threads=1), Policy.load()).flags
    return [flag for flag in flags if flag.check == "sync_drift"]


@pytest.mark.parametrize(
    ("lost", "grade"), [(0, None), (12, None), (20, Grade.SUSPECT), (65, Grade.FAIL)]
)
def test_pictures_lost_behind_even_times_show_at_the_end_of_the_sound(
    tmp_path: Path, lost: int, grade: Grade | None
) -> None:
    path = tmp_path / "a.mp4"
    encode(path, room(8), "aac", pictures=240 - lost)
    (episode,) = episodes_at(path)
    found = out_of_step(episode)
    assert [flag.grade for flag in found] == ([grade] if grade else [])
    for flag in found:
        assert flag.stream == "audio"
        assert flag.measured == pytest.approx(lost / 30 * 1000, abs=60)
        assert flag.span.start_ns / NS == pytest.approx(8 - lost / 30, abs=0.1)
        assert flag.span.end_ns / NS == pytest.approx(8, abs=0.1)


def test_sound_that_begins_late_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, room(8), "aac", pictures=240)
    (episode,) = episodes_at(path)
    late = replace(episode, audio=(replace(episode.audio[0], offset_ns=700_000_000),))
    (flag,) = out_of_step(late)
    assert flag.grade is Grade.SUSPECT
    assert "starts 700 ms late" in flag.message


def test_sound_is_held_against_the_pictures_of_its_own_file(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", room(8), "aac", pictures=240)
    encode(tmp_path / "b.mp4", room(8), "aac", pictures=120)
    (one,), (other,) = episodes_at(tmp_path / "a.mp4"), episodes_at(tmp_path / "b.mp4")
    both = replace(
        one, cameras=(replace(other.cameras[0], name="short"), *one.cameras), problems=()
    )
    told = [sync for sync in measure(both, threads=1).sync if sync.stream == "audio"]
    assert [sync.against for sync in told] == [one.cameras[0].name]
    broken = replace(one, cameras=other.cameras)
    assert not [sync for sync in measure(broken, threads=1).sync if sync.stream == "audio"]
