"""A clip is known again encoded anew, cut, mirrored or faster; another take is not it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from clips import Frame, write

from dailies.recordings.contract import Camera, VideoFile
from dailies.words import NS, Span
from quality.checks import BY_NAME
from quality.landmarks import Candidate, Index, landmarks
from quality.measures import Measurements
from quality.measures.decode import measure_camera
from quality.measures.measurements import keep_copies
from quality.measures.sketch import Copy, Sketch
from quality.moves import Moves
from quality.policy import Policy
from quality.same_motion import Same, same_motion

SECONDS, RATE = 12, 20
LIMITS = Policy.load().limits_for()["copied_clip"]


def take(seed: int, seconds: float = SECONDS) -> list[Frame]:
    """Two hands over one bench: the bench is always the same, the moves are the seed's."""
    bench = np.random.default_rng(7).normal(120, 40, (12, 16)).astype(np.float32)
    bench = cv2.resize(bench, (160, 120), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    stops = rng.uniform([10, 10], [150, 110], (2, len(at) // RATE + 2, 2))
    hands = [
        np.stack([np.interp(at, np.arange(len(way)), way[:, axis]) for axis in (0, 1)], axis=1)
        for way in stops
    ]
    frames = []
    for number in range(len(at)):
        picture = bench.copy()
        for hand, grey in zip(hands, (230, 20), strict=True):
            x, y = hand[number]
            cv2.circle(picture, (round(x), round(y)), 14, grey, -1)
        noisy = picture + rng.normal(0, 2, picture.shape)
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return frames


def moves(path: Path, frames: Sequence[Frame], crf: int = 23, rate: int = RATE) -> Moves:
    options = {"crf": str(crf), "preset": "veryfast"}
    write(path, frames, rate_hz=rate, options=options)
    return Moves.of(measure_camera(Camera("top", VideoFile(path))).sketch)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Moves:
    return moves(tmp_path_factory.mktemp("first") / "first.mp4", take(1))


@pytest.fixture(scope="module")
def history(first: Moves, tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = Index()
    folder = tmp_path_factory.mktemp("others")
    index.add(landmarks(first, 1))
    for seed in (2, 3, 4):
        index.add(landmarks(moves(folder / f"{seed}.mp4", take(seed)), seed))
    return index


def known(history: Index, first: Moves, clip: Moves) -> tuple[Same, bool]:
    best = history.look_up(clip)[0]
    assert best.clip == 1
    same = same_motion(clip.mirrored() if best.mirrored else clip, first)
    assert same is not None
    return same, best.mirrored


def test_encoded_anew_at_a_low_rate(history: Index, first: Moves, tmp_path: Path) -> None:
    same, mirrored = known(history, first, moves(tmp_path / "a.mp4", take(1), crf=35))
    assert (same.share, mirrored) == (1.0, False)
    assert same.speed == pytest.approx(1, abs=0.01)


def test_cut_by_a_third_and_told_where_from(history: Index, first: Moves, tmp_path: Path) -> None:
    same, _ = known(history, first, moves(tmp_path / "a.mp4", take(1)[60:220], crf=28))
    assert same.share > 0.8
    assert same.start == pytest.approx(30, abs=1)  # rows of 0.1 s


def test_mirrored(history: Index, first: Moves, tmp_path: Path) -> None:
    turned = [np.ascontiguousarray(frame[:, ::-1]) for frame in take(1)]
    same, mirrored = known(history, first, moves(tmp_path / "a.mp4", turned))
    assert mirrored
    assert same.share > 0.9


def test_made_faster_by_a_quarter(history: Index, first: Moves, tmp_path: Path) -> None:
    same, _ = known(history, first, moves(tmp_path / "a.mp4", take(1), rate=25))
    assert same.share > 0.8
    assert same.speed == pytest.approx(1.25, abs=0.02)


@pytest.mark.parametrize("seed", range(5, 9))
def test_another_take_at_the_same_bench_is_no_copy(seed: int, first: Moves, tmp_path: Path) -> None:
    other = moves(tmp_path / "a.mp4", take(seed))
    same = same_motion(other, first)
    assert same is None or 100 * same.share < LIMITS.suspect / 2


def faint(frames: Sequence[Frame]) -> list[Frame]:
    """What moves changes the picture by a few levels: the cells by less than one."""
    still = np.mean(frames, axis=0)
    return [
        np.clip(still + 0.06 * (one - still), 0, 255).round().astype(np.uint8) for one in frames
    ]


def test_moves_of_less_than_a_level_are_told_by_cells_that_are_finer(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", faint(take(1)), rate_hz=RATE, options={"crf": "10"})
    sketch = measure_camera(Camera("top", VideoFile(path))).sketch
    again = write(tmp_path / "b.mp4", faint(take(1)), rate_hz=RATE, options={"crf": "16"})
    other = measure_camera(Camera("top", VideoFile(again))).sketch
    assert sketch.cells.dtype == np.uint16
    assert 0.5 < float(np.median(Moves.of(sketch).level())) < 2

    def correlation(*both: Sketch) -> float:
        same = same_motion(*map(Moves.of, both))
        return same.correlation if same else 0.0

    def coarse(one: Sketch) -> Sketch:
        return replace(one, cells=np.round(one.levels).astype(np.uint8))

    assert coarse(sketch).levels == pytest.approx(sketch.levels, abs=0.5)
    assert correlation(sketch, other) > correlation(coarse(sketch), coarse(other)) + 0.01
    assert correlation(sketch, other) > LIMITS["correlation"]


def test_a_clip_in_which_nothing_moves_is_no_copy_of_another(tmp_path: Path) -> None:
    still = [take(1)[0]] * 100
    one, other = (moves(tmp_path / f"{name}.mp4", still) for name in "ab")
    assert not len(landmarks(one))
    assert same_motion(one, other) is None


def test_an_index_grown_clip_by_clip_finds_as_one_built_at_once(first: Moves) -> None:
    rng = np.random.default_rng(0)
    others = [landmarks(Moves(0, rng.normal(0, 9, (120, 64)).astype(np.float32)), n)
              for n in range(2, 200)]  # fmt: skip
    grown, whole = Index(), Index()
    for rows in (landmarks(first, 1), *others):
        grown.add(rows)
    whole.add(np.concatenate([landmarks(first, 1), *others]))
    assert grown.count == whole.count
    assert grown.look_up(first) == whole.look_up(first)
    assert grown.look_up(first)[0].clip == 1


COPY = Copy(
    "top", Span.of_seconds(1, 9), "episode 7 of the record (a.mp4)", "top",
    Span.of_seconds(4, 12), share=0.8, correlation=0.95, speed=1.0, mirrored=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("copy", "other"),
    [
        ((0.9, 0.95), (1.0, 0.86)),  # another take agrees in more places
        ((1.0, 0.95), (0.35, 0.9999)),  # a moment that both show
    ],
)
def test_of_several_earlier_clips_the_one_that_tells_most_is_named(
    monkeypatch: pytest.MonkeyPatch, copy: tuple[float, float], other: tuple[float, float]
) -> None:
    from jobs import copies

    found = [
        replace(COPY, of=name, share=share, correlation=correlation)
        for name, (share, correlation) in (("other", other), ("copy", copy))
    ]
    monkeypatch.setattr(copies, "copy_of", lambda *_, **__: found.pop())
    cells = np.zeros((40, 64), np.uint16)
    sketch = Sketch("top", np.arange(40) * NS // 10, cells)
    index = SimpleNamespace(look_up=lambda _: [Candidate(at, False, 2) for at in (0, 1)])
    (best,) = copies.copies_in([sketch], index, lambda one: (str(one.clip), sketch))  # type: ignore[arg-type]
    assert best.of == "copy"


def test_a_clip_with_one_time_years_away_has_no_moves() -> None:
    times_ns = np.arange(40) * NS // 10
    cells = np.random.default_rng(1).integers(0, 60_000, (40, 64)).astype(np.uint16)
    assert Moves.of(Sketch("top", times_ns, cells)).count == 40
    times_ns[0] = -1_700_000_000 * NS
    assert Moves.of(Sketch("top", times_ns, cells)).count == 0


def test_what_agrees_in_many_places_but_not_closely_is_another_take() -> None:
    take = replace(COPY, share=1.0, correlation=0.88)
    assert list(BY_NAME["copied_clip"].function(Measurements(copies=(take,)), LIMITS)) == []


def test_the_flag_names_the_earlier_recording_and_its_span() -> None:
    (flag,) = BY_NAME["copied_clip"].function(Measurements(copies=(COPY,)), LIMITS)
    assert (flag.grade.value, flag.measured, flag.unit) == ("suspect", 80.0, "%")
    assert flag.span.start_ns == NS
    assert "episode 7 of the record (a.mp4), top from 4.0 to 12.0 s, mirrored" in flag.message


def test_copies_are_kept_with_the_measurements(tmp_path: Path) -> None:
    Measurements().save(tmp_path)
    keep_copies(tmp_path, (COPY,))
    assert Measurements.load(tmp_path).copies == (COPY,)
    keep_copies(tmp_path, ())
    assert Measurements.load(tmp_path).copies == ()


@pytest.mark.parametrize(
    ("share", "speed", "told"), [(0.44, 0.89, 0), (0.65, 0.89, 1), (0.44, 1.0, 1), (0.44, 1.02, 1)]
)
def test_a_copy_at_another_speed_is_one_of_most_of_a_clip(
    share: float, speed: float, told: int
) -> None:
    retimed = replace(COPY, share=share, speed=speed)
    found = BY_NAME["copied_clip"].function(Measurements(copies=(retimed,)), LIMITS)
    assert len(list(found)) == told
