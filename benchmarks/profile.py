"""What every measure and every check costs, as a share of the pass's processor time.

The pass is that of one made recording: 720p H.264 at 30 Hz, state and action of six joints at
50 Hz, decoded, measured and judged as ``dailies screen`` does. Each step's own processor time is
taken while it runs (that of steps inside it taken off); what is left of the process's is decoding.
A check's cost is that of its rule, and its part of what it needs: a measure that several checks
need is shared among them evenly. Halving the picture, which all measures need, stands by itself.
Processor time, unlike time, tells the same on a busy machine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import quality.measures as measures
from benchmarks.clips import make_clip
from benchmarks.people_drawn import DRAWN
from dailies.config import Config
from dailies.recordings.contract import Camera, Episode, Series, VideoFile
from dailies.words import NS
from jobs import screening
from jobs.screening import screen_episode
from quality.checks import CHECKS, Check
from quality.measures import Measurements, Models, decode, grain, lens, planes, steps, take
from quality.measures.detectors import Boxes, Detector, Model, Picture
from quality.policy import Policy

ASKED = 5.0
"""% of the pass that one check may cost."""
ROUNDS = 5
RULE_ROUNDS = 5


class FaceLook:
    """A detector of faces that can be timed, whichever it is."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector

    def __call__(self, picture: Picture) -> Boxes:
        """What the detector finds."""
        return self.detector(picture)


class HandLook:
    """A detector of hands likewise: a step is one attribute of one class."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector

    def __call__(self, picture: Picture) -> Boxes:
        """What the detector finds."""
        return self.detector(picture)


@dataclass(frozen=True)
class Watched:
    """A model whose detector is timed."""

    model: Model
    look: type[FaceLook] | type[HandLook]

    @property
    def identity(self) -> str:
        """That of the model."""
        return self.model.identity

    def opened(self) -> Detector:
        """The model's detector, wrapped."""
        return self.look(self.model.opened())


@dataclass(frozen=True)
class Measure:
    """A step of the pass: a function ``attribute`` of ``owner``, and the fields that it gives."""

    name: str
    owner: Any
    attribute: str
    gives: tuple[str, ...] = ()


_FOLLOWED = ("step_share", "step_error", "loss_odds", "loss_blocks", "loss_amount", "way")
MEASURES = (
    Measure("shrink", take, "shrink"),
    Measure("light", take, "numbers", ("luma", "contrast", "dark_share", "bright_share")),
    Measure("edges", planes, "_gradients", ("sharpness", "texture", "edge_px", "smear_px")),
    Measure("edge_widths", planes, "_edges_px", ("edge_px", "smear_px")),
    Measure("change", planes, "_change", ("motion", "changed_share", "repeat")),
    Measure("change_of_two", take, "mean_change", ("motion_two",)),
    Measure("steps", steps, "motions_between", _FOLLOWED),
    Measure("shares", steps, "_against_beside", ("step_share", "step_error")),
    Measure("odds", steps, "odds_of_loss", ("loss_odds", "loss_blocks", "loss_amount")),
    Measure("eighths", take, "eighth_of", _FOLLOWED),
    Measure("chroma", decode, "frame_chroma", ("tint", "colour", "undrawn_share")),
    Measure("colour", take, "tint_of", ("tint", "colour", "undrawn_share")),
    Measure("bands", take, "grain_of", ("noise", "blockiness")),
    Measure("noise", grain, "_noise", ("noise",)),
    Measure("blockiness", grain, "_blockiness", ("blockiness",)),
    Measure("view", lens.View, "see", ("view_change", "view_stays")),
    Measure("grid", take, "grid_of", ("grid_share", "grid_spread")),
    Measure("sketch", take, "cells_of", ("cells",)),
    Measure("shown", decode, "shown_of", ("face_count", "hand_count")),
    Measure("faces", FaceLook, "__call__", ("face_count", "face_width", "face_score")),
    Measure("hands", HandLook, "__call__", ("hand_count", "hand_score")),
    Measure("packets", decode, "_key_bytes", ("key_bytes",)),
    Measure("thumbnail", decode, "thumbnail_of"),
    Measure("series", measures, "measure_series", ("series",)),
    Measure("sync", measures, "measure_sync", ("sync",)),
    Measure("judging", screening, "judge"),
    Measure("scores", screening, "scores"),
)
"""Every step that is measured; those that give the same field share its cost with one another."""
READS_MORE = {
    "dropped_frames": ("motion_two", "step_share", "loss_odds", "key_bytes"),
    "copied_clip": ("cells",),
}
"""Fields that checks read besides those that they name as the reason of their flags."""


@dataclass
class Meter:
    """Own processor time of each step, in seconds, and how often it ran."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    inner: list[float] = field(default_factory=list)

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*given: Any, **named: Any) -> Any:
            self.inner.append(0.0)
            start = time.thread_time()
            try:
                return function(*given, **named)
            finally:
                spent = time.thread_time() - start
                own = spent - self.inner.pop()
                if self.inner:
                    self.inner[-1] += spent
                self.seconds[name] = self.seconds.get(name, 0.0) + own
                self.calls[name] = self.calls.get(name, 0) + 1

        return timed


@dataclass(frozen=True)
class Pass:
    """One pass: the steps' shares and the rules', in % of all, and how often each step ran."""

    steps: dict[str, float]
    rules: dict[str, float]
    calls: dict[str, int]


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A result for decoding, each step and each check: medians of the rounds."""
    seconds = 60 if full else 20
    policy = Policy.load()
    with tempfile.TemporaryDirectory() as folder:
        tell(f"  encoding {seconds} s of 720p")
        path = make_clip(Path(folder) / "720p.mp4", seconds=seconds, width=1280, height=720)
        episode = _episode(path, seconds)
        screen_episode(episode, policy, threads=1)
        passes = [_pass(episode, policy) for _ in range(ROUNDS)]
    yield from _steps(passes)
    yield from _checks(passes)


def _episode(path: Path, seconds: int) -> Episode:
    camera = Camera("wrist", VideoFile(path), declared_rate_hz=30)
    series = tuple(_series(role, lag_s, seconds) for role, lag_s in (("state", 0.1), ("action", 0)))
    return Episode(path, 0, "made", (camera,), series, files=(path,))


def _series(role: Any, lag_s: float, seconds: int) -> Series:
    random = np.random.default_rng(1)
    at_s = np.arange(seconds * 50) / 50
    pace = np.arange(1, 7) / 5
    values = np.sin((at_s - lag_s)[:, None] * pace) + random.normal(0, 1e-4, (len(at_s), 6))
    columns = tuple(f"joint_{number}" for number in range(1, 7))
    times_ns = np.round(at_s * NS).astype(np.int64)
    return Series(role, times_ns, values, columns, role=role, declared_rate_hz=50)


@contextmanager
def _metered(meter: Meter) -> Iterator[None]:
    """Every step timed for as long as it lasts."""
    with ExitStack() as stack:
        for step in MEASURES:
            kept = getattr(step.owner, step.attribute)
            setattr(step.owner, step.attribute, meter.wrapped(step.name, kept))
            stack.callback(setattr, step.owner, step.attribute, kept)
        yield


def _pass(episode: Episode, policy: Policy) -> Pass:
    meter = Meter()
    start = time.process_time()
    with _metered(meter):
        screened = screen_episode(episode, policy, threads=1, models=_models())
    whole = time.process_time() - start
    assert screened.measurements is not None, screened.error
    limits = policy.limits_for()
    rules = {
        check.name: _rule(check, screened.measurements, limits[check.name]) / whole * 100
        for check in CHECKS
    }
    steps = {name: spent / whole * 100 for name, spent in meter.seconds.items()}
    return Pass(steps, rules, meter.calls)


def _models() -> Models:
    """Those that the environment names (DAILIES_FACE_MODEL, DAILIES_HAND_MODEL), else detectors of
    drawings, which take next to no time.
    """
    config = Config.from_environment()
    given = Models.at(config.face_model, config.hand_model)
    faces, hands = given.face or DRAWN.face, given.hand or DRAWN.hand
    assert faces is not None
    assert hands is not None
    return Models(Watched(faces, FaceLook), Watched(hands, HandLook))


def _rule(check: Check, measurements: Measurements, limits: Any) -> float:
    """Processor seconds of one check's rule: the least of a few, as it takes microseconds."""

    def once() -> float:
        start = time.thread_time()
        list(check.function(measurements, limits))
        return time.thread_time() - start

    return min(once() for _ in range(RULE_ROUNDS))


def _steps(passes: list[Pass]) -> Iterator[dict[str, Any]]:
    shares = {step.name: _median(p.steps.get(step.name, 0.0) for p in passes) for step in MEASURES}
    for step in MEASURES:
        yield {
            "name": f"measure_{step.name}",
            "value": round(shares[step.name], 2),
            "unit": "% of the pass",
            "times": passes[0].calls.get(step.name, 0),
        }
    yield {
        "name": "decoding_and_rest",
        "value": round(100 - sum(shares.values()), 1),
        "unit": "% of the pass",
    }


def _checks(passes: list[Pass]) -> Iterator[dict[str, Any]]:
    costs = {check.name: _median(_cost(check, p) for p in passes) for check in CHECKS}
    for check in CHECKS:
        yield {
            "name": f"check_{check.name}",
            "value": round(costs[check.name], 3),
            "unit": "% of the pass",
            "rule": round(_median(p.rules[check.name] for p in passes), 3),
            "measures": [step.name for step in MEASURES if _needs(check, step)],
        }
    dearest = max(costs, key=lambda name: costs[name])
    yield {
        "name": "dearest_check",
        "value": round(costs[dearest], 2),
        "unit": "% of the pass",
        "check": dearest,
        "asked": ASKED,
        "over": [name for name, cost in costs.items() if cost > ASKED],
    }


def _cost(check: Check, taken: Pass) -> float:
    """The rule, and an even part of every step that the check needs."""
    parts = [
        taken.steps.get(step.name, 0.0) / sum(_needs(other, step) for other in CHECKS)
        for step in MEASURES
        if _needs(check, step)
    ]
    return taken.rules[check.name] + sum(parts)


def _needs(check: Check, step: Measure) -> bool:
    """Whether a check reads a field that the step gives."""
    read = {part for need in check.needs for part in need.split(".")}
    return bool(read.union(READS_MORE.get(check.name, ())).intersection(step.gives))


def _median(values: Iterator[float]) -> float:
    return float(np.median(list(values)))
