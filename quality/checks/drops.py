"""Dropped frames: seen in the times, or in the pictures where the times were made by counting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, Span, often
from quality.checks.bits import missing_bits
from quality.checks.check import Check, Finder, Limits, Settings
from quality.checks.crowds import crowded, crowded_over_two
from quality.checks.hidden import Leaps, Odds, Strides, in_twos, leaps, odds_of_loss, strides
from quality.checks.remembered import once
from quality.checks.stretches import Mask, joined, rolling_median, runs
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures

_FINDER = Finder(
    "dropped_frames", "frames", "Lower the load or use a faster disk or cable, retake."
)
WINDOW = 61
"""Intervals around each whose median is the period: a phone's rate changes with the light."""
FEWEST_TWICE = 4
"""Pictures that stand for twice as long within ``join_s``: of clean ones of such a camera (three
episodes of the Unitree set) there are two at most, planted at every fourth picture 12."""
PACE_TWICE = 0.7
"""Share of the usual change over two pictures just before and after one that stands so."""
LONGEST_HABIT = 6
"""Pictures from repeat to repeat at most of a camera that hands out fewer than are recorded: 25
a second at 30."""
SKIPPED = 0.1
"""Share of the usual change under which an encoder with many key pictures has skipped a picture."""
HALVED = 0.25
"""Share of their steps from one picture of a pair to the next one that those within pairs have at
least: less shows half the pictures twice, and then all motion leaps. (Of 27 leaps by which 16 of 93
real episodes of such a camera were flagged it leaves 6, and 8 episodes with repeats; of 37 planted
ones in a made set it costs 1.)"""
STRIDE_CHANGE = 1.1
"""How many times as much as those beside it a picture changes at least where a stride leads to it.
(Of single lost frames in real clips 1.2 to 4.)"""
CLEAR = 8.0
"""Standard deviations of a leap that stands beside a stride, even if it is none by share."""
SURE, SURE_EACH = (5.0, 3.5), (0.0, 0.2)
"""Odds, with those by each block, by which a stride tells where motion is unsteady."""
ALONE, ALONE_EACH = (3.0, 1.2), (0.3, 0.2)
"""Odds, with those by each block, that tell alone where motion is steady, in general and where
every second picture is drawn, so that little can agree."""
FAR_ODDS, FAR_EACH, FAR_PACE, LIT = 10.0, 0.5, 0.5, 0.8
"""Of many frames lost at once: the odds, those by each block, the motion around in levels, and the
share of the picture's change that its brightness may make up."""
TINT_S, TINT_STEP, TINT_USUAL = 0.25, 6.0, 3.0
"""Codes by which the tint changes from so long before a picture to so long after it where light or
white balance does, and how many times the usual. (In 57 clean recordings no tint moves by over 3
codes in 0.4 s; that of a wrist camera above a coloured table by 8 to 41.)"""
ONCE = 0.3
"""By so much of what a leap is above the motion beside it, it is above the picture next to it."""
LEAST_SCATTER = 1e-6
"""Steps, where nothing varies at all."""


LAG_LEAST = 1.5
LAG_SHORT, LAG_BEFORE, LAG_OWED = (0.3, 0.7), (0.7, 1.4), (0.6, 1.4)
"""Levels of change over two pictures into the one after a repeat; and, in shares of that, the
change into the repeat, that before it, and by how much that of the one after next is larger."""
STEADY, STEADY_SHARE = 0.2, 0.9
"""A stretch is steady where so many of its intervals are within so much of their median."""


def dropped_frames(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags gaps in a camera's times (lost frames), and drops that made-up times hide.

    Gaps up to ``join_s`` apart are one flag. A gap of ``gap_fail_s`` or more fails by itself.
    Hidden drops are inferred from the picture, so they are suspect at most.
    """
    for camera in measurements.cameras:
        if camera.count >= 5:
            yield from _visible(camera, limits)
            yield from _hidden(camera, limits)


def lost_frames(times_ns: npt.NDArray[np.int64], factor: float) -> npt.NDArray[np.int64]:
    """How many frames are missing after each picture but the last, shape (n - 1,).

    An interval counts from ``factor`` times the local median. A frame that only came late, so
    that the next or the last interval is as much too short, is not a lost one.
    """
    intervals = np.diff(times_ns).astype(np.float64)
    relative = intervals / _periods(intervals)
    lost = np.where(relative > factor, np.maximum(np.round(relative) - 1, 1), 0)
    slack = np.maximum(1 - relative, 0)
    following = np.append(slack[1:], 0)
    preceding = np.insert(slack[:-1], 0, 0)
    made_up = relative - np.maximum(following, preceding) < factor
    return np.where(made_up, 0, lost).astype(np.int64)


@once
def _lost(camera: Pictures, factor: float) -> npt.NDArray[np.int64]:
    """Those of a camera."""
    return lost_frames(camera.times_ns, factor)


def _periods(intervals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The usual interval at each one, shape (n,): the median around it.

    Where the recorder changes its rate for good, that of the steady stretch which ends or begins
    there: a phone that goes from 30 to 15 pictures a second in the dark drops none.
    """
    local = np.maximum(rolling_median(intervals, WINDOW), 1.0)
    if len(intervals) < WINDOW:
        return local
    padded = np.pad(intervals, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    is_usual = np.abs(windows - local[:, None]) < STEADY * local[:, None]
    steady = np.where(is_usual.mean(axis=1) > STEADY_SHARE, local, 0.0)
    at = np.arange(len(intervals))
    before = steady[np.maximum(at - WINDOW // 2, 0)]
    after = steady[np.minimum(at + WINDOW // 2, len(at) - 1)]
    return np.maximum(local, np.maximum(before, after))


def _visible(camera: Pictures, limits: Limits) -> Iterator[Flag]:
    lost = _lost(camera, limits["gap_periods"])
    at = np.flatnonzero(lost)
    if not len(at):
        return
    for first, last in _groups(at, camera, limits["join_s"]):
        count = int(lost[first : last + 1].sum())
        span = Span(int(camera.times_ns[first]), int(camera.times_ns[last + 1]))
        gap_s = float(np.diff(camera.times_ns)[first : last + 1].max() / NS)
        grade = limits.grade(count)
        if grade is None:
            continue
        if gap_s >= limits["gap_fail_s"]:
            grade = Grade.FAIL
        what = f"{count} frame{'s' if count > 1 else ''} lost, longest gap {gap_s * 1000:.0f} ms"
        yield _FINDER.flag(grade, camera.name, span, count, limits.limit(grade), what)


def hidden_drops(camera: Pictures, settings: Settings) -> npt.NDArray[np.intp]:
    """Pictures before which frames are missing by what the pictures show, shape (k,).

    A camera whose pictures often repeat hands out fewer than it is asked for: there the change
    says nothing. At a few pictures a second all motion is leaps, and a codec that is short of bits
    leaves motion undone and makes up for it later.
    """
    motion = camera.motion.astype(np.float64)
    slow = (camera.rate_hz or 0.0) < settings["jump_rate_hz"]
    if len(motion) < 12 or slow or _lacks_bits(camera, settings):
        return np.empty(0, np.intp)
    found = leaps(camera)
    if _often_repeats(camera, found, settings):
        return np.empty(0, np.intp)
    jump = _leaping(motion, found, settings) if found else _jumping(motion, settings)
    odds, walked = odds_of_loss(camera), strides(camera)
    goes_on = _goes_on(camera, settings)
    if found and odds and walked:
        strode = _striding(camera, walked, settings)
        jump = _agreed(motion, found, walked, odds, (jump, strode), settings)
        far = _far_on(camera, odds)
        goes_on, jump = goes_on | far, jump | far
    elif odds and found:
        # too short to tell a stride: of many frames more is seen than that something moved
        few = found.share < settings["lone_share"]
        jump &= ~(few & (odds.is_unsteady if found.in_pairs else odds.is_against))
        jump |= _likely(motion, found, odds, settings)
    elif walked:
        # a leap of many frames is too far to be followed
        near = found.share < settings["lone_share"] if found else np.ones(len(motion), np.bool_)
        jump = (jump & ~(walked.even & near)) | _striding(camera, walked, settings)
    jump &= motion < settings["cut_motion"]
    at = np.flatnonzero(jump & goes_on)
    return at[(at > _REACH) & (at < len(motion) - _REACH)]


def _agreed(
    motion: npt.NDArray[np.float64],
    found: Leaps,
    walked: Strides,
    odds: Odds,
    told_by: tuple[Mask, Mask],
    settings: Settings,
) -> Mask:
    """True where two of three agree that frames were lost: the change (a leap), what is followed (a
    stride), and how all that moves goes on (the odds); or one is sure.

    What goes by fits and starts, or is shown by a camera that takes its time, makes leaps and
    strides by itself. (Of 1,000 clips of a robot's fixed cameras 108 were flagged by any of them,
    of which few were lost frames; of 30 single ones lost before simulated arms 11 were found.)
    """
    leap, strode = told_by
    by_odds = _by_odds(odds, settings)
    likely = _likely(motion, found, odds, settings)
    nearly = (walked.excess > settings["stride_share"]) & (walked.rise > settings["stride_rise"])
    nearly &= walked.excess > 2 * walked.error
    lost = strode & ~odds.is_unsteady
    lost &= leap | (odds.odds > settings["odds"]) | (found.sigmas > CLEAR)
    sure = [
        (odds.odds > least) & (odds.each > each)
        for least, each in zip(SURE, SURE_EACH, strict=True)
    ]
    lost |= strode & by_odds & (sure[0] | sure[1])
    lost |= strode & leap & (odds.blocks == 0)
    kind = int(found.in_pairs)
    alone = (odds.odds > ALONE[kind]) & (odds.each > ALONE_EACH[kind]) & ~walked.even
    lost |= likely & (strode | leap | nearly | alone)
    lost |= leap & by_odds & ~odds.is_against & (~odds.is_unsteady | (odds.odds > ALONE[0]))
    return np.asarray(lost, dtype=np.bool_)


def _far_on(camera: Pictures, odds: Odds) -> Mask:
    """True where a view that moves before and after it is at once another part of the scene: so
    many frames are lost that nothing can be followed, and it may be as much brighter or darker.

    Where the light changes, all of the picture's change is of brightness; a cut changes it more.
    """
    motion = camera.motion.astype(np.float64)
    before, after = _beside(motion).sides
    lit = np.abs(np.diff(camera.luma.astype(np.float64), prepend=camera.luma[:1]))
    far = (odds.odds > FAR_ODDS) & (odds.each > FAR_EACH) & (lit < LIT * motion)
    return np.asarray(far & ((before + after) / 2 > FAR_PACE), dtype=np.bool_)


def _lacks_bits(camera: Pictures, settings: Settings) -> bool:
    """Whether its pictures took so few bits that what moves in them cannot be believed."""
    missing = missing_bits(camera)
    told = missing[np.isfinite(missing)]
    return len(told) > 0 and bool(np.median(told) > settings["jump_bits"])


def _leaping(
    motion: npt.NDArray[np.float64], found: Leaps, settings: Settings
) -> npt.NDArray[np.bool_]:
    """True where the picture changes by two steps at once.

    A greater leap must stand out from what is beside it: a knock raises that, too.
    """
    least = settings["pair_share"] if found.in_pairs else settings["loss_share"]
    leap = (found.sigmas > settings["loss_sigmas"]) & (found.share > least)
    around, sides, beside = _beside(motion)
    # where hardly anything moves, encoders skip pictures and catch up
    pace = found.two / 2 if found.in_pairs else np.minimum(*sides)
    leap &= pace > settings["jump_motion"]
    if found.in_pairs:
        leap &= around.min(axis=1) > SKIPPED * np.minimum(*sides)
        leap &= in_twos(found.two) > HALVED
    else:
        # what is lost is lost once: the next picture changes by one step again
        leap &= motion - beside > ONCE * (motion - np.minimum(*sides))
    stands_out = beside < settings["beside_ratio"] * np.maximum(*sides)
    leap &= stands_out | (found.share < settings["lone_share"])
    return np.asarray(leap & (found.share < settings["cut_share"]), dtype=np.bool_)


def _striding(camera: Pictures, found: Strides, settings: Settings) -> Mask:
    """True where what is seen goes two steps in one, and on as before."""
    far = (found.excess > settings["stride_share"]) & (found.rise > settings["stride_rise"])
    # two proofs of one thing: what one lacks the other may make up for
    scatter = np.maximum(found.scatter, LEAST_SCATTER)
    far &= found.excess > settings["stride_least"] * found.error
    far &= found.rise > settings["stride_least"] * scatter
    far &= found.excess * found.rise > settings["stride_sigmas"] ** 2 * found.error * scatter
    if not found.in_pairs:
        # what goes further changes the picture more, unless the codec left a change for later
        motion = camera.motion.astype(np.float64)
        _, sides, beside = _beside(motion)
        far &= motion > STRIDE_CHANGE * beside
        far &= np.minimum(*sides) > settings["jump_motion"] / 2
    return np.asarray(far, dtype=np.bool_)


def _likely(motion: npt.NDArray[np.float64], found: Leaps, odds: Odds, settings: Settings) -> Mask:
    """True where the odds tell that frames were lost, and else that none were.

    What goes by fits and starts, or is shown by a camera that takes its time, tells neither.
    """
    likely = _by_odds(odds, settings) & (odds.usual < -settings["odds_usual"]) & ~found.is_cut
    # what goes further changes the picture more, where the codec draws all alike
    likely &= found.in_pairs | (motion > STRIDE_CHANGE * _beside(motion).beside)
    return np.asarray(likely, dtype=np.bool_)


def _by_odds(found: Odds, settings: Settings) -> Mask:
    """True where all that moves tells that frames were lost."""
    told = (found.odds > settings["odds"]) & (found.each > settings["odds_each"])
    told &= (found.blocks > settings["odds_blocks"]) & (found.amount > settings["odds_amount"])
    return np.asarray(told, dtype=np.bool_)


def _jumping(motion: npt.NDArray[np.float64], settings: Settings) -> npt.NDArray[np.bool_]:
    """True where the motion alone jumps: ``jump_ratio`` times all around it, out of steady motion.

    For measurements kept from before changes over two pictures were measured.
    """
    around, sides, beside = _beside(motion)
    steady = np.minimum(*sides)
    jump = (motion > settings["jump_ratio"] * around.max(axis=1)) & (
        steady > settings["jump_motion"]
    )
    # a knock or a shake raises its neighbours too, lost frames do not
    return np.asarray(jump & (beside < settings["beside_ratio"] * steady), dtype=np.bool_)


class _Beside(NamedTuple):
    """The ``_REACH`` motions on either side of each, (n, 2 _REACH), the medians of either side, and
    the greater of the two next to it, (n,).
    """

    around: npt.NDArray[np.float64]
    sides: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    beside: npt.NDArray[np.float64]


def _beside(motion: npt.NDArray[np.float64]) -> _Beside:
    padded = np.pad(motion, _REACH, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1)
    around = np.delete(windows, _REACH, axis=1)
    before, after = around[:, :_REACH], around[:, _REACH:]
    sides = np.median(before, axis=1), np.median(after, axis=1)
    return _Beside(around, sides, np.maximum(before[:, -1], after[:, 0]))


def _often_repeats(camera: Pictures, found: Leaps | None, settings: Settings) -> bool:
    """Whether pictures repeat so often amid motion that recorder or codec must do it."""
    motion = camera.motion.astype(np.float64)
    around = rolling_median(motion, 11)
    still = (motion < settings["repeat_ratio"] * around) & (around > settings["jump_motion"])
    if found:
        # a codec that hardly redraws every second picture repeats it only where nothing moves
        still &= found.two > found.at_rest + settings["jump_motion"]
    return _all_along(camera.times_ns, motion, still, settings["repeat_share"], settings)


def _all_along(
    times_ns: npt.NDArray[np.int64],
    motion: npt.NDArray[np.float64],
    mask: Mask,
    most: float,
    settings: Settings,
) -> bool:
    """Whether it holds for more than a share of the pictures, and not for one part of them alone:
    in ``spread`` of the seconds in which something moves.
    """
    if mask.mean() <= most:
        return False
    _, second = np.unique(times_ns // NS, return_inverse=True)
    held = np.bincount(second, mask) > 0
    moving = np.bincount(second, rolling_median(motion, 11) > settings["jump_motion"]) > 0
    return bool(held[moving].mean() > settings["spread"]) if moving.any() else True


def _goes_on(camera: Pictures, settings: Settings) -> npt.NDArray[np.bool_]:
    """True for each picture that is as bright, as sharp and as tinted as the one before it."""
    brighter = np.abs(np.diff(camera.luma, prepend=camera.luma[:1]))
    sharpness = np.maximum(camera.sharpness, 1e-3)
    sharper = np.abs(np.diff(np.log(sharpness), prepend=np.log(sharpness[:1])))
    alike = (brighter < settings["luma_step"]) & (sharper < settings["sharpness_step"])
    if len(camera.tint) == camera.count:
        # colour is measured a few times a second
        reach = max(round(TINT_S * (camera.rate_hz or 0.0)), 1)
        at, last = np.arange(camera.count), camera.count - 1
        before, after = camera.tint[np.maximum(at - reach, 0)], np.minimum(at + reach, last)
        steps = np.nan_to_num(np.abs(camera.tint[after] - before))
        # a camera that passes by coloured things tells nothing so
        alike &= steps < max(TINT_STEP, TINT_USUAL * float(np.median(steps)))
    return np.asarray(alike, dtype=np.bool_)


def stand_ins(camera: Pictures, settings: Settings) -> npt.NDArray[np.intp]:
    """Repeated pictures that stand in for others, shape (k,): motion all around them.

    They are exact, or what moves leaps after them. A camera that repeats every so many pictures is
    judged by the others; where repeats are common (``repeat_share``) and in no such order, the
    recorder or codec does it all the time.
    """
    motion = camera.motion.astype(np.float64)
    by_habit = _habit(motion, settings)
    at = np.flatnonzero(~by_habit)
    if len(at) < 12:
        return np.empty(0, np.intp)
    rest = motion[at]
    dips = _dips(rest, settings)
    if _all_along(camera.times_ns[at], rest, dips, settings["repeat_share"], settings):
        return _standing_twice(camera, settings)
    starts, stops = runs(dips).T
    inside = (starts >= 2) & (stops <= len(rest) - _REACH)
    starts, stops = starts[inside], stops[inside]
    around = rolling_median(rest, 11)
    floor = 1.5 * float(np.median(motion[by_habit])) if by_habit.any() else 0.0
    proven = _exact(camera.times_ns[at], rest, (starts, stops), floor, settings)
    if not by_habit.any():
        found = leaps(camera)
        if found and found.in_pairs:
            # every second picture changes because it is drawn: only over two is a repeat seen
            proven = _lags_behind(found, starts, stops) & ~_denied(camera, at[stops])
        elif found:
            proven |= _leaps_after(found, dips, starts, stops, settings)
        else:
            proven |= _springs(rest, starts, stops, settings)
    # a robot that comes to rest slows down first, one whose frames are lost moves until then
    pace = np.maximum(around[stops - 1], _median_after(rest, stops))
    moving = np.minimum(rest[starts - 1], rest[starts - 2]) > settings["pace_ratio"] * pace
    return np.asarray(at[stops[proven & moving] - 1], dtype=np.intp)


def _exact(
    times_ns: npt.NDArray[np.int64],
    motion: npt.NDArray[np.float64],
    repeats: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    floor: float,
    settings: Settings,
) -> Mask:
    """True for each run of repeats that are exact, but for a ``floor``, in the midst of motion.

    What turns round stands for a moment too, but is slow before and after, and does not leap on.
    One that leaps on may be chance; beside two of them others like them stand in as well.
    """
    starts, stops = repeats
    beside = np.minimum(motion[starts - 1], motion[stops])
    alike = motion[starts] < np.maximum(settings["exact_ratio"] * beside, floor)
    alike &= beside > settings["exact_pace"] * rolling_median(motion, 11)[starts]
    usual = (motion[starts - 1] + motion[stops + 1]) / 2
    leapt = alike & (motion[stops] > settings["exact_leap"] * usual)
    begins = times_ns[starts]
    leaping = _near(begins, begins[leapt], settings["join_s"])
    return np.asarray(alike & (leaping >= 2), dtype=np.bool_)


def _near(
    times_ns: npt.NDArray[np.int64], others_ns: npt.NDArray[np.int64], within_s: float
) -> npt.NDArray[np.intp]:
    """How many of the others, in order, each time is near to."""
    reach = int(within_s * NS)
    first, last = (np.searchsorted(others_ns, times_ns + by) for by in (-reach, reach))
    return np.asarray(last - first, dtype=np.intp)


def _standing_twice(camera: Pictures, settings: Settings) -> npt.NDArray[np.intp]:
    """The same of a camera that repeats every other picture, though not in step all along: pictures
    that stand for twice as long as its others do, where that happens many times in a row.
    """
    two = camera.motion_two.astype(np.float64)
    if len(two) != camera.count:
        return np.empty(0, np.intp)
    around = rolling_median(two, 11)
    standing = (two < settings["dip_ratio"] * around) & (around > settings["jump_motion"])
    standing[:3] = standing[-1:] = False
    starts, stops = runs(standing).T
    # what turns round slows down first
    slows = np.minimum(two[starts - 1], two[stops]) <= PACE_TWICE * around[starts]
    for start, stop in zip(starts[slows], stops[slows], strict=True):
        standing[start:stop] = False
    at = np.flatnonzero(standing)
    times_ns = camera.times_ns[at]
    near = np.searchsorted(times_ns, times_ns + int(settings["join_s"] * NS)) - np.arange(len(at))
    enough = np.flatnonzero(near >= FEWEST_TWICE)
    found = np.unique(np.concatenate([np.arange(k, k + near[k]) for k in enough] or [enough]))
    return np.asarray(at[found], dtype=np.intp)


def _habit(motion: npt.NDArray[np.float64], settings: Settings) -> Mask:
    """True for the repeats of a camera that repeats every so many pictures all along: one that
    hands out 24 or 15 a second and is recorded at 30.
    """
    dips = _dips(motion, settings)
    moves = rolling_median(np.maximum(motion, np.roll(motion, 1)), 11) > settings["jump_motion"]
    if not moves.any():
        return np.zeros(len(motion), np.bool_)
    number = np.arange(len(motion))
    for period in range(2, LONGEST_HABIT + 1):
        phase = number % period
        moving = np.bincount(phase[moves], minlength=period)
        repeats = np.bincount(phase[moves & dips], minlength=period) / np.maximum(moving, 1)
        at = int(np.argmax(repeats))
        if repeats[at] > settings["habit"]:
            return np.asarray(dips & (phase == at), dtype=np.bool_)
    return np.zeros(len(motion), np.bool_)


_REACH = 5


def _dips(motion: npt.NDArray[np.float64], settings: Settings) -> Mask:
    """True where the picture hardly changes, but does around it, or just before and after it."""
    beside = np.minimum(np.roll(motion, 1), np.roll(motion, -1))
    moves = np.maximum(rolling_median(motion, 11), beside)
    still = (motion < settings["dip_ratio"] * moves) & (moves > settings["jump_motion"])
    still[:2] = False
    still[-1:] = False
    return np.asarray(still, dtype=np.bool_)


def _leaps_after(
    found: Leaps,
    dips: Mask,
    starts: npt.NDArray[np.intp],
    stops: npt.NDArray[np.intp],
    settings: Settings,
) -> npt.NDArray[np.bool_]:
    """True for each run of repeats after which the picture makes up for what they stand for."""
    usual = (found.once[starts - 1] + found.once[stops + 1]) / 2
    twice = (found.two[starts - 1] + found.two[stops + 2]) / 2
    excess = found.once[stops] - usual
    # a repeat is evidence of its own: less of a leap is needed
    makes_up = excess > settings["pair_share"] * np.maximum(twice - usual, 0)
    clear = excess > settings["loss_sigmas"] * found.scatter_without(dips)[stops]
    return np.asarray(makes_up & clear & ~found.drawn[stops], dtype=np.bool_)


def _denied(camera: Pictures, after: npt.NDArray[np.intp]) -> Mask:
    """Whether what moves goes on evenly into each of these pictures, which follow repeats."""
    odds = odds_of_loss(camera)
    return odds.is_against[after] if odds else np.zeros(len(after), np.bool_)


def _lags_behind(found: Leaps, starts: npt.NDArray[np.intp], stops: npt.NDArray[np.intp]) -> Mask:
    """The same by changes over two pictures: into a repeat it is one step, of the picture after it
    two, as usual, and of the next one three. (Fitted on ten clips with repeats and on 78 without,
    of which 11 were flagged by single changes: encoders skip every other picture of slow motion.)
    """
    moved = found.two - found.at_rest
    usual = moved[stops]
    measured = (
        (moved[starts], LAG_SHORT),
        (moved[starts - 1], LAG_BEFORE),
        (moved[stops + 1] - moved[starts], LAG_OWED),
    )
    lags = usual > LAG_LEAST
    for value, (low, high) in measured:
        lags &= (value > low * usual) & (value < high * usual)
    return np.asarray(lags, dtype=np.bool_)


def _springs(
    motion: npt.NDArray[np.float64],
    starts: npt.NDArray[np.intp],
    stops: npt.NDArray[np.intp],
    settings: Settings,
) -> npt.NDArray[np.bool_]:
    """The same by the motion alone, for measurements kept from before."""
    # two frames' way in one is little above the ordinary: a single repeat needs the greater leap
    needed = np.where(stops - starts == 1, settings["single_leap_ratio"], settings["leap_ratio"])
    leaps_on: npt.NDArray[np.bool_] = motion[stops] > needed * rolling_median(motion, 11)[stops - 1]
    return leaps_on


def _median_after(
    motion: npt.NDArray[np.float64], at: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Median of the ``_REACH`` motions from each index on, shape of ``at``."""
    windows = np.lib.stride_tricks.sliding_window_view(motion, _REACH)
    return np.asarray(np.median(windows[at], axis=1), dtype=np.float64)


def _hidden(camera: Pictures, limits: Limits) -> Iterator[Flag]:
    at, repeats = _hidden_at(camera, limits.settings)
    for first, last in _groups(at, camera, limits["join_s"]):
        count = int(((at >= first) & (at <= last)).sum())
        if count < limits.suspect:
            continue
        end = min(last + 1, camera.count - 1)
        span = Span(int(camera.times_ns[max(first - 1, 0)]), int(camera.times_ns[end]))
        word = "repeats" if np.isin(repeats, np.arange(first, last + 1)).any() else "jumps"
        what = f"the picture {word} as if frames were lost, {often(count)},"
        yield _FINDER.flag(Grade.SUSPECT, camera.name, span, count, limits.suspect, what)


@once
def _hidden_at(
    camera: Pictures, settings: Settings
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pictures that show that frames are missing before them, where the times do not, and those
    that repeat in place of others; none where the camera does so all along.
    """
    repeats = np.union1d(stand_ins(camera, settings), _in_crowds(camera, settings))
    jumps = hidden_drops(camera, settings)
    at = np.union1d(repeats, jumps[~np.isin(jumps - 1, repeats)])
    told = np.flatnonzero(_lost(camera, settings["gap_periods"])) + 1
    at = at[~np.isin(at, told)]
    lost = np.zeros(camera.count, np.bool_)
    lost[at] = True
    motion = camera.motion.astype(np.float64)
    if _all_along(camera.times_ns, motion, lost, settings["common_share"], settings):
        at = at[:0]
    return at, repeats


def _in_crowds(camera: Pictures, settings: Settings) -> npt.NDArray[np.intp]:
    """Repeats that come in crowds, shape (k,); none where the rest often repeats, too: there they
    are where recorder or codec are out of step with themselves.
    """
    motion = camera.motion.astype(np.float64)
    found, rate_hz = leaps(camera), camera.rate_hz or 0.0
    if rate_hz < settings["jump_rate_hz"]:
        return np.empty(0, np.intp)
    if found and found.in_pairs:
        # every other picture of a slow motion is skipped; an exact repeat of a drawn one is not
        crowd, repeats = crowded_over_two(found, rate_hz), camera.repeat
    else:
        crowd, repeats = crowded(camera), _dips(motion, settings)
    if not len(crowd):
        return crowd
    rest = np.ones(camera.count, np.bool_)
    rest[np.clip(crowd[:, None] + np.arange(-_REACH, _REACH + 1), 0, camera.count - 1)] = False
    if not rest.any():
        return crowd[:0]
    most = settings["repeat_share"]
    often = _all_along(camera.times_ns[rest], motion[rest], repeats[rest], most, settings)
    return crowd[:0] if often else crowd


def _groups(at: npt.NDArray[np.intp], camera: Pictures, join_s: float) -> Iterator[tuple[int, int]]:
    """First and last index of each group of ``at`` whose members are up to ``join_s`` apart."""
    gap = join_s * NS / camera.period_ns if camera.period_ns else 0.0
    for start, stop in joined(np.stack([at, at + 1], axis=1), gap):
        yield int(start), int(stop) - 1


DROPPED_FRAMES = Check(
    name="dropped_frames",
    says="Pictures are missing between others.",
    unit="frames",
    remedy="Lower the load or use a faster disk or cable, retake.",
    needs=("cameras.times_ns", "cameras.motion"),
    function=dropped_frames,
    settings=(
        "gap_periods",
        "gap_fail_s",
        "join_s",
        "jump_ratio",
        "jump_motion",
        "jump_rate_hz",
        "jump_bits",
        "beside_ratio",
        "cut_motion",
        "loss_sigmas",
        "loss_share",
        "pair_share",
        "lone_share",
        "stride_share",
        "stride_rise",
        "stride_sigmas",
        "stride_least",
        "odds",
        "odds_each",
        "odds_blocks",
        "odds_amount",
        "odds_usual",
        "cut_share",
        "repeat_ratio",
        "dip_ratio",
        "exact_ratio",
        "exact_pace",
        "exact_leap",
        "habit",
        "leap_ratio",
        "single_leap_ratio",
        "pace_ratio",
        "luma_step",
        "sharpness_step",
        "common_share",
        "repeat_share",
        "spread",
    ),
)
_FINDER = Finder.of(DROPPED_FRAMES)
