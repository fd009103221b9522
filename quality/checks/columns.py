"""The columns of sensor series: what each is by its name, how it moves, and who commands it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from dailies.words import NS, listed
from quality.checks.remembered import once
from quality.checks.rotations import unturned
from quality.measures.measurements import Measurements
from quality.measures.series import SeriesMeasures, Values

Kind = Literal["joint", "gripper", "wrench", "rate", "counter"]
Indexes = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

MIN_SAMPLES = 20
"""Fewer samples than that show nothing about motion."""
NAMED = 6
"""So many columns are named in one message."""
SMALL = 0.1
"""Share of the widest column's range under which a column hardly moves: its own range is no scale
for what it does."""
RICH = 30
"""So many times what its sensor tells apart a column goes that moves for good."""
WIDE = 5.0
"""A column so many times wider than most others is no scale for them."""
TRACKS = 0.9
"""Correlation from which a column counts as following its command."""

NOISE_RANGE = 10
"""The range of noise alone in standard deviations: a million samples of it span 9.8."""

STEADY = 0.01
"""A column all of whose steps are alike within this share of one counts samples or time."""

ARM = 7
"""So many numbers most two-armed robots have for each arm (ALOHA: six joints and a gripper)."""
END, EACH, BOTH = 0.1, 0.08, 0.6
"""A gripper is within END of its range of one of its ends BOTH of the time, and EACH of it at
each."""

LAG_HZ = 25.0
"""Speeds are compared at this rate; the peak's place is found between samples."""
FARTHEST_S = 1.5
"""Longest lag looked for. Beyond, a peak belongs to another motion of the same kind."""
TELLS = 0.6
"""Correlation of the speeds from which a lag counts."""

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("wrench", re.compile(r"force|torque|wrench|(^|[^a-z])(ft|f[xyz])([^a-z]|$)")),
    (
        "rate",
        re.compile(
            r"vel(?!cro)|speed|qdot|acc|effort|current(?!.?pos|.?joint)|load|temp|volt|twist|delta"
        ),
    ),
    (
        "counter",
        re.compile(
            r"(^|[^a-z])(time_?(stamp)?|stamp|seq|sequence|counter|n?secs"
            r"|(frame|sample)_?(index|idx|number|id))(_?(s|ms|us|ns))?$"
        ),
    ),
    ("gripper", re.compile(r"grip|claw|jaw|finger|thumb|hand(?!le)")),
)
_PLACE = re.compile(r"(^|[^a-z])(pos|position|p|t|tcp|ee|eef)?_?[xyz]$")
_MOMENT = re.compile(r"(^|[^a-z])[tm][xyz]([^a-z]|$)")
_RATES = re.compile(r"velocit|qvel|effort|torque|current")
_TRIMMED = re.compile(
    r"leader|follower|master|puppet|observation|state|action|command|cmd|target|goal|actual"
    r"|desired|measured|main|position|pos|rad|deg|[^a-z0-9]"
)


def column_name(series: SeriesMeasures, column: int) -> str:
    """A column's name, or its number where it has none."""
    return series.columns[column] if column < len(series.columns) else f"column {column}"


def names_of(series: SeriesMeasures, columns: Iterable[int], verb: str = "") -> str:
    """Some columns by their names, the first NAMED of many, and what they do: "a, b jump"."""
    names = [column_name(series, int(at)) for at in columns]
    does = f" {verb}{'s' if len(names) == 1 else ''}" if verb else ""
    return f"{listed(names, NAMED)}{does}"


def kind_of(series: SeriesMeasures, column: int) -> Kind:
    """What a column holds by its name: a position ("joint") where the name says nothing else."""
    stream, name = series.name.lower(), column_name(series, column).lower()
    if series.role == "other" and _KINDS[0][1].search(stream):
        return "wrench"
    if _RATES.search(stream):
        return "rate"
    for kind, pattern in _KINDS:
        if pattern.search(name):
            return kind
    return "joint"


@once
def kinds(series: SeriesMeasures) -> tuple[Kind, ...]:
    """What each column kept holds: by its name, or a rate where it is another's derivative, a
    counter where it goes on evenly, or a gripper where an arm's last one has no name and moves so.
    """
    named = [kind_of(series, at) for at in range(series.values.shape[1])]
    if "wrench" in named:  # beside forces, tx is a torque; alone it is a place
        for at in range(len(named)):
            if _MOMENT.search(column_name(series, at).lower()):
                named[at] = "wrench"
    if not judgeable(series):
        return tuple(named)
    for at, kind in enumerate(named):
        if kind == "joint" and _is_gripper(series, at):
            named[at] = "gripper"
    for at in _derivatives(series) if series.role == "state" else ():
        named[at] = "rate"
    steps = np.diff(series.filled, axis=0)
    counts = np.ptp(steps, axis=0) <= STEADY * np.abs(steps.mean(axis=0))
    for at in np.flatnonzero(counts & steps.any(axis=0)).tolist():
        named[at] = "counter"
    return tuple(named)


def _is_gripper(series: SeriesMeasures, at: int) -> bool:
    """Whether a column without a name is the last of an arm's, and mostly at either of its ends."""
    is_last = at == len(series.columns) - 1 or (at + 1) % ARM == 0
    if series.role != "state" or not is_last or not _bare(series, at).isdigit():
        return False
    values, extent = series.filled[:, at], float(series.extent[at])
    ends = (
        float((values <= values.min() + END * extent).mean()),
        float((values >= values.max() - END * extent).mean()),
    )
    return extent > 0 and min(ends) >= EACH and sum(ends) >= BOTH


def columns_of(series: SeriesMeasures, *wanted: Kind) -> Indexes:
    """Which of the columns kept are of these kinds, shape (m,)."""
    return np.array([at for at, kind in enumerate(kinds(series)) if kind in wanted], np.intp)


def _derivatives(series: SeriesMeasures) -> set[int]:
    """Columns that are the time derivative of another, as where positions and speeds are in one.

    Both scale and shape must agree: circling in x and y looks alike but for the scale.
    """
    every = max(series.count // 2000, 1)
    before, at, after = (slice(on, series.count - 2 + on, every) for on in (0, 1, 2))
    interval_s = (series.times_ns[after] - series.times_ns[before]) / NS
    if len(interval_s) < MIN_SAMPLES - 2 or (interval_s <= 0).any():
        return set()
    slope = (series.filled[after] - series.filled[before]) / interval_s[:, None]
    values = series.filled[at].astype(np.float64)
    values -= values.mean(axis=0)
    slope -= slope.mean(axis=0)
    power, own = (slope**2).sum(axis=0), (values**2).sum(axis=0)
    product = slope.T @ values
    scale = product / np.maximum(power, 1e-30)[:, None]
    likeness = product / np.sqrt(np.maximum(np.outer(power, own), 1e-30))
    np.fill_diagonal(likeness, 0)
    best = likeness.argmax(axis=0)
    alike = np.flatnonzero(likeness[best, np.arange(len(best))] > 0.95)
    scale = scale[best[alike], alike]
    agree = np.abs(scale - 1) < 0.1
    if series.clock != "measured" and len(scale) >= 3:
        # times counted at a rate that may not be the true one: the same scale in all will do
        agree |= np.abs(scale / np.median(scale) - 1) < 0.1
    return set(alike[agree].tolist())


def motion_series(measurements: Measurements) -> list[SeriesMeasures]:
    """The series of robot states whose values were kept and that are long enough to judge."""
    return [one for one in measurements.series if one.role == "state" and judgeable(one)]


def judgeable(series: SeriesMeasures) -> bool:
    """Whether a series' values were kept, and are enough to say anything."""
    return series.count >= MIN_SAMPLES and series.values.shape[0] == series.count


def is_noise(values: Values) -> npt.NDArray[np.bool_]:
    """Which columns of values (n, k) do nothing but their own noise; shape (k,).

    The noise is taken from all samples: an idle encoder that flickers by its least step mostly
    repeats, so that a median would say there is none.
    """
    values = values.astype(np.float64)
    bend = np.diff(values, n=2, axis=0)
    noise = np.sqrt(np.square(bend).mean(axis=0) / 6) if len(bend) else np.zeros(len(values.T))
    return np.asarray(np.ptp(values, axis=0) <= NOISE_RANGE * noise, np.bool_)


def scale_of(series: SeriesMeasures, columns: Indexes) -> Floats:
    """By how much each of some columns of one kind moves, at least SMALL of the widest's range."""
    return np.asarray(np.maximum(series.extent[columns], least_scale(series)[columns]), np.float64)


@once
def least_scale(series: SeriesMeasures) -> Floats:
    """For each column the least range that is a scale for what columns of its kind do; shape (k,).

    SMALL of the widest one's, or of WIDE times what three in four of those that move stay within
    where that is less: a counter, or a gripper in millimetres, is no scale for joints in radians.
    Those that move go by RICH times what the sensor tells apart: a joint that only gives under
    another's weight is no scale either.
    """
    values = series.filled
    # a place in metres is no scale for joints in degrees, nor they for it
    named = np.array([f"{kind} {_is_place(series, at)}" for at, kind in enumerate(kinds(series))])
    moves = ~is_noise(values) & (series.extent >= RICH * _resolution(values))
    least = np.zeros(len(named))
    for kind in set(named.tolist()):
        extent = series.extent[named == kind]
        moving = extent[moves[named == kind]]
        usual = WIDE * float(np.quantile(moving, 0.75)) if len(moving) else np.inf
        least[named == kind] = SMALL * min(float(extent.max(initial=0.0)), usual)
    return least


def _is_place(series: SeriesMeasures, at: int) -> bool:
    return _PLACE.search(column_name(series, at).lower()) is not None


def _resolution(values: Values) -> Floats:
    """What a sensor tells apart, of each column of values (n, k): its least step, or three standard
    deviations of its noise (by fourth differences, in which motion does not show); shape (k,).
    """
    told = np.zeros(values.shape[1])
    for column, one in enumerate(values.T):  # one by one, which keeps little
        step = np.abs(np.diff(one))
        bend = np.abs(np.diff(one.astype(np.float64), n=4))
        noise = float(np.quantile(bend, 0.9)) / (1.645 * 70**0.5) if len(bend) else 0.0
        told[column] = max(step[step > 0].min(initial=np.inf) if step.any() else 0.0, 3 * noise)
    return told


@dataclass(frozen=True, eq=False)
class Moves:
    """How the columns of a series move from one sample to the next.

    ``step``, shape (n - 1, k), is the absolute change; ``pace``, shape (k,), its 90th percentile
    among the steps that are not 0: how far a column gets in one sample when it moves fast.
    """

    step: Values
    pace: Floats


@once
def moves(series: SeriesMeasures) -> Moves:
    """The moves of a series of two samples or more."""
    step = np.abs(np.diff(unturned(series), axis=0))
    pace = np.zeros(step.shape[1])
    for column, steps in enumerate(step.T):
        ordered = np.sort(steps)
        resting = int(np.searchsorted(ordered, 0, side="right"))
        pace[column] = ordered[min(resting + int(0.9 * (len(steps) - resting)), len(steps) - 1)]
    return Moves(step, pace)


def column_runs(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """The runs of True down each column of a mask (n, k), as rows [column, start, stop)."""
    count, width = mask.shape
    flat = np.zeros((width, count + 1), np.int8)
    flat[:, :count] = mask.T
    edges = np.diff(flat.reshape(-1), prepend=np.int8(0))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    column, start = np.divmod(starts, count + 1)
    return np.stack([column, start, stops - column * (count + 1)], axis=1)


@dataclass(frozen=True)
class Lag:
    """How late a state follows its action (ms; below 0: it is ahead), and the correlation there."""

    ms: float
    correlation: float

    @property
    def tells(self) -> bool:
        """Whether the peak is high enough to be the robot following."""
        return self.correlation >= TELLS


@dataclass(frozen=True, eq=False)
class Pair:
    """A state series and the action series that commands it.

    ``columns``, shape (m, 2), pairs columns of the state with those of the action; ``commanded``,
    shape (n, m), is the action at the state's times, counted from the state's origins. ``moving``,
    shape (m,), is where both move widely for their kind.
    ``tracks``, shape (m,), is where the state follows the command: both move, alike, but for the
    lag of joints or of grippers and hands, which have drivers of their own. ``lag`` is that of the
    joints, or of the others where no joint moves; ``latest_ms`` that of the later of both.
    """

    state: SeriesMeasures
    action: SeriesMeasures
    columns: Indexes
    commanded: Values
    moving: npt.NDArray[np.bool_]
    tracks: npt.NDArray[np.bool_]
    lag: Lag
    latest_ms: float

    @property
    def are_joints(self) -> npt.NDArray[np.bool_]:
        """Which of the pairs are joints, shape (m,); the others are grippers."""
        return _are_joints(self.state, self.columns[:, 0])

    def widest(self, extent: Floats) -> Floats:
        """For each pair the greatest ``extent`` (m,) of those of its kind that follow; 0 if none.

        A hand whose fingers count to 255 is no scale for an arm in radians.
        """
        return _widest(np.where(self.tracks, extent, 0), self.are_joints)

    @property
    def is_followed(self) -> bool:
        """Whether the action is what the state ought to be: most of what is commanded follows."""
        told = _widely(self.commanded, self.are_joints)
        return bool((self.tracks & told).sum() >= max(0.5 * told.sum(), 1))

    @property
    def are_numbered(self) -> bool:
        """Whether its columns pair up by nothing but their numbers."""
        return all(_bare(self.state, int(at)).isdigit() for at in self.columns[:, 0])

    @property
    def joints(self) -> Indexes:
        """Which of the pairs are joints that follow."""
        return np.flatnonzero(self.tracks & self.are_joints)

    def aligned(self) -> tuple[Values, Values]:
        """The paired columns of the state, and the commands that they follow; equal shapes."""
        return _aligned(self.state, self.columns[:, 0], self.commanded, self.lag)


@once
def pairs(measurements: Measurements) -> tuple[Pair, ...]:
    """States with the actions that command them, for those whose columns pair up by name."""
    found = []
    for state in motion_series(measurements):
        for action in measurements.series:
            if action.role == "action" and judgeable(action):
                columns = _paired(state, action)
                if len(columns):
                    found.append(_pair(state, action, columns))
    return tuple(found)


def _paired(state: SeriesMeasures, action: SeriesMeasures) -> Indexes:
    """Columns of equal name but for words like "leader" and "position"; shape (m, 2)."""
    ours = columns_of(state, "joint", "gripper")
    theirs = columns_of(action, "joint", "gripper")
    names = [_bare(action, at) for at in theirs]
    by_name = {name: at for name, at in zip(names, theirs, strict=True) if names.count(name) == 1}
    found = []
    for at in ours:
        name = _bare(state, at)
        if name in by_name:
            found.append((at, by_name[name]))
    return np.array(found, np.intp).reshape(-1, 2)


def _bare(series: SeriesMeasures, at: int) -> str:
    """A column's name without its series', by which nameless ones are numbered, and such words."""
    name = column_name(series, int(at)).lower()
    return _TRIMMED.sub("", name.removeprefix(series.name.lower()))


def _pair(state: SeriesMeasures, action: SeriesMeasures, columns: Indexes) -> Pair:
    ours, theirs = columns.T
    values = action.filled[:, theirs]
    if len(values) != state.count or not np.array_equal(action.times_ns, state.times_ns):
        order = np.argsort(action.times_ns, kind="stable")
        at, times = state.times_ns.astype(np.float64), action.times_ns[order].astype(np.float64)
        values = np.stack([np.interp(at, times, one[order]) for one in values.T], axis=1)
    shift = np.array(action.origin)[theirs] - np.array(state.origin)[ours]
    commanded = (values + shift).astype(np.float32)
    are_joints = _are_joints(state, ours)
    moving = _widely(commanded, are_joints) & _widely(state.filled[:, ours], are_joints)
    lags = [
        _lag(state, ours[some], commanded[:, some])
        for some in (moving & are_joints, moving & ~are_joints)
    ]
    lag = lags[0] if moving[are_joints].any() else lags[1]
    others = lags[1] if lags[1].tells else lag
    tracks = np.zeros(len(ours), np.bool_)
    for some, late in ((are_joints, lag), (~are_joints, others)):
        alike = _correlation(*_aligned(state, ours[some], commanded[:, some], late))
        tracks[some] = alike >= TRACKS
    latest_ms = max((one.ms for one in (lag, others) if one.tells), default=0.0)
    return Pair(state, action, columns, commanded, moving, tracks, lag, latest_ms)


def _are_joints(state: SeriesMeasures, ours: Indexes) -> npt.NDArray[np.bool_]:
    """Which of a state's columns are joints; the others that are commanded are grippers."""
    return np.isin(ours, columns_of(state, "joint"))


def _widely(values: Values, are_joints: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which columns move by SMALL of the range of the widest one of their kind, at least."""
    extent = np.ptp(values, axis=0)
    return np.asarray((extent > 0) & (extent >= SMALL * _widest(extent, are_joints)), np.bool_)


def _widest(extent: Floats, are_joints: npt.NDArray[np.bool_]) -> Floats:
    """For each column the greatest range of its kind."""
    joints, others = (extent[some].max(initial=0) for some in (are_joints, ~are_joints))
    return np.asarray(np.where(are_joints, joints, others), np.float64)


def _aligned(
    state: SeriesMeasures, ours: Indexes, commanded: Values, lag: Lag
) -> tuple[Values, Values]:
    late = round(lag.ms * 1e6 / max(state.period_ns, 1)) if lag.tells else 0
    kept = state.filled[max(late, 0) : state.count + min(late, 0), ours]
    return kept, commanded[max(-late, 0) : len(commanded) - max(late, 0)]


def _lag(state: SeriesMeasures, ours: Indexes, commanded: Values) -> Lag:
    """The lag at which the speeds of some columns agree best with the commanded ones'.

    Cross-correlation, each column in its own spread; a parabola through the peak.
    Correlation 0 where it cannot be told.
    """
    every = max(round(NS / LAG_HZ / max(state.period_ns, 1)), 1)
    period_ms = every * state.period_ns / 1e6
    reach = int(FARTHEST_S * 1000 / period_ms) if period_ms else 0
    if not len(ours) or reach < 3 or state.count // every < 3 * reach:
        return Lag(0.0, 0.0)
    told, done = _speeds(commanded, every), _speeds(state.filled[:, ours], every)
    size = 1 << int(done.shape[1] + reach).bit_length()
    product = np.conj(np.fft.rfft(told, size)) * np.fft.rfft(done, size)
    power = np.sqrt((told**2).sum(axis=1) * (done**2).sum(axis=1))
    summed = np.fft.irfft((product / np.maximum(power, 1e-30)[:, None]).mean(axis=0), size)
    around = np.concatenate((summed[-reach:], summed[: reach + 1]))
    at = int(around[1:-1].argmax()) + 1
    below, top, above = around[at - 1 : at + 2]
    curve = below - 2 * top + above
    shift = 0.5 * (below - above) / curve if curve < 0 else 0.0
    return Lag(float((at - reach + shift) * period_ms), float(top))


def _speeds(values: Values, every: int) -> Floats:
    """Smoothed speeds at every so many samples, one row a column; shape (k, n)."""
    count = len(values) // every
    means = np.add.reduceat(values[: count * every], np.arange(count) * every, axis=0)
    speed = np.diff(np.ascontiguousarray(means.T, np.float64)) / every
    speed[:, 1:-1] = 0.25 * speed[:, :-2] + 0.5 * speed[:, 1:-1] + 0.25 * speed[:, 2:]
    return np.asarray(speed - speed.mean(axis=1, keepdims=True), np.float64)


def _correlation(values: Values, commanded: Values) -> Floats:
    """Correlation of each column with its command, 0 where either stands still; shape (m,)."""
    found = np.zeros(values.shape[1])
    for at, (one, other) in enumerate(zip(values.T, commanded.T, strict=True)):
        one = one - one.mean(dtype=np.float64)
        other = other - other.mean(dtype=np.float64)
        power = float(one @ one) * float(other @ other)
        found[at] = float(one @ other) / np.sqrt(power) if power > 0 else 0.0
    return found
