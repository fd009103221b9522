"""A camera that hands out one and the same picture while the world goes on."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.columns import Floats, is_noise, judgeable, least_scale
from quality.checks.stretches import Mask, Stretch, runs, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.series import SeriesMeasures

SEEN = 10
"""Pictures elsewhere, at least, by which it is told whether a camera sees what moves."""
MOSTLY = 0.8
"""Share of a robot's columns that no camera can miss all of: of seven joints one may rest."""
FOLLOWS = 0.5
"""Partial correlation with what moves from which a camera is taken to see it."""
SHOWN = 0.7
"""Share of these that must change: of a humanoid's, in AV1, a quarter repeat the one before."""
SLOW = 1.5
"""So many times as fast as in the stretch what is not meant may be elsewhere."""
AROUND_S = 0.1
"""Speeds are told over so long on either side: a sensor's noise is no motion."""
USUAL_HZ = 60.0
"""Pictures a second up to which the limit of ``motion`` holds."""
HUSHED, HUSHED_SHARE = 0.2, 2e-4
"""Share of its usual change, and of the pixels, up to which a picture of a moving camera may be no
more than an encoder's refining of the one before: VP9 draws a frozen one anew every few pictures.
"""
LONE = 2.0
"""So many times the change of those that follow is a leap, and no motion that sets in."""
ALONE, SEEN_SHARE, LIT = 4.0, 0.03, 0.5
"""A leap alone: so many times what is usual and what follows, in so much of the picture by over 8
levels, and by less than so much of it in brightness (all of a lamp's is)."""
TREMBLES_HZ = 20.0
"""Rate from which a robot's noise is told from its motion."""
FLOOR_S = 3.0
"""A sensor's noise must be seen for so long elsewhere for its absence to tell anything."""
STEADY = 0.7
"""Share of its median that a sensor's noise keeps at its lowest: motion comes and goes."""
SILENT = 0.02
"""Share of a sensor's noise under which there is none."""


class Proof(enum.StrEnum):
    """What tells a frozen camera from a still scene, in words for the message."""

    ROBOT = "the robot moved meanwhile"
    JUMP = "it stopped dead and jumped on"
    STOP = "out of motion, and its pictures never repeat otherwise"
    QUIET = "its pictures never repeat otherwise"
    LEAP = "it leapt on out of rest, far further than what follows"
    NOISELESS = "without the noise that it always has otherwise"


WEAK = (Proof.QUIET, Proof.LEAP, Proof.NOISELESS)
"""An encoder short of bits may do the like, or what is seen: suspect at most."""


def frozen_picture(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) of repeated pictures where there is proof that the camera stood.

    An encoder makes a still scene repeat exactly, so a repeat alone proves nothing. Proof is, in
    this order: the picture stopped dead and leapt on, which tells a camera that moves even where
    the encoder went on refining; the robot moved meanwhile; it stopped dead and jumped on; it did
    either, and this camera's pictures never repeat otherwise, not even when the robot is still.
    Suspect at most it is where that last is all there is and every picture repeats exactly, where
    a steady noise is gone meanwhile, or where it leapt on out of a rest.
    """
    moving = [one for one in measurements.series if one.role == "state" and one.count > 1]
    moving = moving or [one for one in measurements.series if one.role == "action"]
    moving = [one for one in moving if not _only_trembles(one)]
    for camera in measurements.cameras:
        still = is_still(camera, limits)
        leapt = list(_leapt(camera, still, limits))
        for stretch in sorted([*leapt, *_outside(leapt, camera, still)], key=lambda it: it.start):
            seconds = round(stretch.seconds, 3)
            grade = limits.grade(seconds)
            proof = Proof.JUMP if grade and stretch in leapt else None
            if grade and not proof:
                proof = _proof(camera, stretch, still, moving, limits)
            if grade and not proof and _leaps_alone(camera, stretch, still):
                proof = Proof.LEAP
            if grade and proof:
                if proof in WEAK:
                    grade = Grade.SUSPECT
                what = f"frozen for {seconds:.1f} s ({proof})"
                limit = limits.limit(grade)
                yield _FINDER.flag(grade, camera.name, stretch.span, seconds, limit, what)


def is_still(camera: Pictures, limits: Limits) -> Mask:
    """True for each picture that equals the one before, exactly or but for the encoder's touch.

    At more pictures a second than most have, what moves slowly changes each by less.
    """
    least = limits["motion"] * min(USUAL_HZ / (camera.rate_hz or USUAL_HZ), 1.0)
    near = (camera.changed_share <= limits["changed_share"]) & (camera.motion < least)
    near[:1] = False
    # black and covered pictures have checks of their own, and always look alike
    shows = camera.contrast >= limits["contrast"]
    return np.asarray((camera.repeat | near) & shows, dtype=np.bool_)


def _leapt(camera: Pictures, still: Mask, limits: Limits) -> Iterator[Stretch]:
    """Stretches in which a camera that moves shows nothing new, from one picture to the next, and
    after which a single one makes up for it.
    """
    usual = _usual_motion(camera, still)
    if usual is None:
        return
    motion = camera.motion
    shows = camera.contrast >= limits["contrast"]
    hushed = (motion < HUSHED * usual) & (camera.changed_share <= HUSHED_SHARE) & shows
    hushed[:1] = False
    quiet = still | hushed
    rests = _in_a_row(quiet)
    for stretch in stretches(camera, quiet):
        start, stop = stretch.start, stretch.stop
        elsewhere = int(rests.sum()) - int(rests[stretch.pictures].sum())
        if elsewhere >= limits["still_share"] * camera.count:
            continue  # a camera that rests now and then
        before, after = motion[max(start - 3, 1) : start], motion[stop + 1 : stop + 4]
        if (
            len(before) == 3 == len(after)
            and np.median(before) >= 0.5 * usual
            and motion[stop] >= max(limits["jump"] * usual, LONE * np.median(after))
        ):
            yield stretch


def _leaps_alone(camera: Pictures, stretch: Stretch, still: Mask) -> bool:
    """Whether a single picture after a stretch changes by ALONE times what is usual and what those
    after it do: not by its light, and not because it is drawn anew.
    """
    usual = _usual_motion(camera, still)
    motion, stop = camera.motion, stretch.stop
    after = motion[stop : stop + 3]
    if usual is None or stop + 6 > camera.count:
        return False
    at = stop + int(np.argmax(after))
    # an encoder may touch up a picture or two before
    if (camera.changed_share[stop:at] > HUSHED_SHARE).any():
        return False
    lit = abs(float(camera.luma[at]) - float(camera.luma[at - 1]))
    least = ALONE * max(usual, float(np.median(motion[at + 1 : at + 4])))
    shows = camera.changed_share[at] >= SEEN_SHARE and lit < LIT * motion[at]
    return bool(motion[at] >= least and shows)


def _only_trembles(series: SeriesMeasures) -> bool:
    """Whether a robot's columns do nothing but their own noise, which is no way.

    A slow clock shows a quick motion as noise, and says nothing.
    """
    told = judgeable(series) and series.values.shape[1] > 0
    told &= (series.rate_hz or 0.0) >= TREMBLES_HZ
    return bool(told and is_noise(series.filled).all())


def _outside(leapt: list[Stretch], camera: Pictures, still: Mask) -> list[Stretch]:
    """The stretches of still pictures that lie in none of these."""
    rest = still.copy()
    for one in leapt:
        rest[one.pictures] = False
    return list(stretches(camera, rest))


def _proof(
    camera: Pictures,
    stretch: Stretch,
    still: Mask,
    moving: list[SeriesMeasures],
    limits: Limits,
) -> Proof | None:
    """Why this is a frozen camera and no still scene; None where nothing says so."""
    travelled = [one for one in moving if _travel(one, stretch.span) >= limits["travel"]]
    if any(_is_seen(camera, one, stretch, still, limits) for one in travelled):
        return Proof.ROBOT
    usual = _usual_motion(camera, still)
    if usual is None:
        return None
    before = camera.motion[max(stretch.start - 6, 1) : stretch.start]
    after = camera.motion[stretch.stop : stretch.stop + 1]
    jumped = len(after) > 0 and after[0] >= limits["jump"] * usual
    stopped = (
        len(before) > 2
        and np.median(before) >= 0.5 * usual
        and not _sets_in(camera.motion[stretch.stop :])
    )
    if jumped and stopped:
        return Proof.JUMP
    elsewhere = np.ones(camera.count, np.bool_)
    elsewhere[stretch.pictures] = False
    elsewhere[:1] = False
    elsewhere &= ~_robot_moves(camera, moving, limits)
    often = _in_a_row(still)
    if elsewhere.sum() < 10 or often[elsewhere].mean() >= limits["still_share"]:
        return None
    if jumped or stopped:
        return Proof.STOP
    if _is_noiseless(camera, stretch, elsewhere, limits):
        return Proof.NOISELESS
    # an exact repeat of every picture, by a sensor that is never so quiet
    exact = camera.repeat[stretch.pictures].mean() >= limits["exact_share"]
    quiet = np.quantile(camera.motion[elsewhere], 0.1) >= limits["quiet"]
    return Proof.QUIET if exact and quiet else None


def _in_a_row(mask: Mask) -> Mask:
    """True where it holds for three pictures in a row and more: codecs repeat one here and there,
    and three say that repeats are common.
    """
    lasting = np.zeros(len(mask), np.bool_)
    for start, stop in runs(mask):
        lasting[start:stop] = stop - start > 2
    return lasting


def _sets_in(motion: npt.NDArray[np.floating]) -> bool:
    """Whether motion sets in little by little, by its first pictures: what moves had been at rest.

    What a camera withheld comes at once, in a picture that changes no less than those after it; an
    encoder may touch up one or two before.
    """
    return len(motion) >= 6 and all(
        motion[at] < np.median(motion[at + 1 : at + 4]) for at in range(3)
    )


def _is_noiseless(camera: Pictures, stretch: Stretch, elsewhere: Mask, limits: Limits) -> bool:
    """Whether all that moves elsewhere is a sensor's noise, which is gone in a stretch."""
    if elsewhere.sum() * camera.period_ns < FLOOR_S * NS:
        return False
    low, usual = np.quantile(camera.motion[elsewhere], (0.05, 0.5))
    here = float(np.median(camera.motion[stretch.pictures]))
    if np.median(camera.changed_share[elsewhere]) > HUSHED_SHARE:
        return False
    return bool(low >= max(limits["quiet"], STEADY * usual) and here <= SILENT * usual)


def _usual_motion(camera: Pictures, still: Mask) -> float | None:
    moved = camera.motion[1:][~still[1:]]
    return float(np.median(moved)) if len(moved) >= 5 else None


def _travel(series: SeriesMeasures, span: Span) -> float:
    """How far the series moved in a span, in shares of its range summed over time."""
    inside = (series.times_ns >= span.start_ns) & (series.times_ns < span.end_ns)
    return float(series.speed[inside].sum() * series.period_ns / NS)


def _is_seen(
    camera: Pictures, series: SeriesMeasures, stretch: Stretch, still: Mask, limits: Limits
) -> bool:
    """Whether the camera shows what of a robot moves in a stretch: its pictures change elsewhere
    when the same columns move and no others do.

    The left one of two arms may rest before its camera while the right one moves.
    """
    if not judgeable(series) or not series.values.shape[1]:
        return True  # which columns moved was not kept
    speed = _column_speeds(camera, series)
    inside = np.zeros(camera.count, np.bool_)
    inside[stretch.pictures] = True
    moves = speed[inside].mean(axis=0) >= limits["still_speed"]
    if not moves.any():
        return False
    elsewhere = ~inside
    elsewhere[:1] = False
    alike = elsewhere & (speed[:, moves].max(axis=1) >= limits["still_speed"])
    # for a while as slow as there: what moves too little to count may be seen all the same, and
    # what only turns round is
    width = 2 * max(round(2 * AROUND_S * (camera.rate_hz or 0.0)), 1) + 1
    around = np.pad(speed[:, ~moves].sum(axis=1), width // 2, mode="edge")
    others = np.lib.stride_tricks.sliding_window_view(around, width).max(axis=1)
    alike &= others <= SLOW * others[inside].min()
    if alike.sum() >= SEEN:
        return bool((~still[alike]).mean() >= SHOWN)
    # the others never rest while these move: then they are all that matters, or what the picture
    # follows tells
    if moves.sum() >= MOSTLY * (series.extent > 0).sum():
        return True
    mine = speed[:, moves].sum(axis=1)
    return _partly(camera.motion[elsewhere], mine[elsewhere], others[elsewhere]) >= FOLLOWS


def _partly(motion: npt.NDArray[np.floating], mine: Floats, others: Floats) -> float:
    """Partial correlation of two curves, each without what it has of a third."""
    given = np.stack([np.ones(len(others)), others], axis=1)
    both = np.stack([motion, mine], axis=1).astype(np.float64)
    left = both - given @ np.linalg.lstsq(given, both, rcond=None)[0]
    power = np.linalg.norm(left, axis=0).prod()
    return float(left[:, 0] @ left[:, 1] / power) if power > 0 else 0.0


def _column_speeds(camera: Pictures, series: SeriesMeasures) -> Floats:
    """How fast each column moves at each picture, over AROUND_S on either side, in shares of its
    range (1/s); shape (n, k).
    """
    at_ns, around = camera.times_ns, AROUND_S * NS
    scale = np.maximum(np.maximum(series.extent, least_scale(series)), 1e-12)
    steps = [
        np.interp(at_ns + around, series.times_ns, column)
        - np.interp(at_ns - around, series.times_ns, column)
        for column in series.filled.T
    ]
    return np.asarray(np.abs(np.stack(steps, axis=1)) / scale / (2 * AROUND_S), np.float64)


def _robot_moves(camera: Pictures, moving: list[SeriesMeasures], limits: Limits) -> Mask:
    """True for each picture taken while a series moved; all False where there is none."""
    moves = np.zeros(camera.count, np.bool_)
    for series in moving:
        speed = np.interp(camera.times_ns, series.times_ns, series.speed)
        moves |= speed > limits["still_speed"]
    return moves


FROZEN_PICTURE = Check(
    name="frozen_picture",
    says="The camera hands out one and the same picture while the world goes on.",
    unit="s",
    remedy="Reseat the camera's cable and retake.",
    needs=("cameras.repeat", "cameras.motion", "cameras.changed_share", "series.speed"),
    function=frozen_picture,
    settings=(
        "changed_share",
        "motion",
        "contrast",
        "travel",
        "still_speed",
        "jump",
        "still_share",
        "quiet",
        "exact_share",
    ),
)
_FINDER = Finder.of(FROZEN_PICTURE)
