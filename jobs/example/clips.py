"""Which recordings the example makes and what is planted in each, before anything is encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from jobs.example.catalogue import RESUBMITTER, Chore, Hand, chores_of, hands
from jobs.example.encoding import CLEAN, RATE_HZ, Spoil
from jobs.example.manifest import Defect

Form = Literal["robot", "phone", "lerobot-v2.1", "lerobot-v3.0"]
Twist = Literal["none", "wrist missing", "joints missing", "breaks off", "unreadable", "copy"]

FIRST = 14
"""How many recordings are there at once; the others land while one watches."""

JOINTS_HZ = 50.0


@dataclass(frozen=True)
class Take:
    """One episode to be drawn: how long, what is wrong with each camera, what ought to be found."""

    label: str
    duration_s: float
    cameras: dict[str, Spoil] = field(default_factory=dict)
    defects: tuple[Defect, ...] = ()
    verdicts: tuple[str, ...] = ("good",)

    def spoil(self, camera: str) -> Spoil:
        """What is wrong with a camera."""
        return self.cameras.get(camera, CLEAN)


@dataclass(frozen=True)
class Clip:
    """One recording to be made: a robot's folder, a phone's file, or a dataset of several takes.

    ``twist`` is what happens to its files afterwards; ``copy_of`` is the number of the clip that is
    handed in again.
    """

    number: int
    form: Form
    takes: tuple[Take, ...]
    hand: Hand
    chore: Chore
    twist: Twist = "none"
    copy_of: int | None = None

    @property
    def name(self) -> str:
        """Name of its folder or file in the watched folder."""
        stem = f"{self.hand.rig}-{self.chore.id}-{self.number:03d}"
        return f"{stem}.mp4" if self.form == "phone" else stem

    @property
    def take(self) -> Take:
        """Its only take, or the first."""
        return self.takes[0]


BAD = ("suspect", "fail")


def planned(seed: int) -> tuple[Clip, ...]:
    """The recordings of the example in order of landing, the same for the same seed."""
    rng = np.random.default_rng([seed, 1])
    return tuple(
        _clip(rng, number, form, takes, twist, copy_of)
        for number, (form, takes, twist, copy_of) in enumerate(_plan())
    )


def encore(seed: int, number: int) -> Clip:
    """A recording to land after the planned ones: mostly clean, now and then with a defect."""
    rng = np.random.default_rng([seed, 2, number])
    spoiled = [row for row in _plan() if row[2] == "none" and row[0] in ("robot", "phone")]
    clean = [row for row in spoiled if not row[1][0].defects]
    choices = spoiled if rng.random() < 0.3 else clean
    form, takes, twist, copy_of = choices[int(rng.integers(len(choices)))]
    return _clip(rng, number, form, takes, twist, copy_of)


def _clip(
    rng: np.random.Generator,
    number: int,
    form: Form,
    takes: tuple[Take, ...],
    twist: Twist,
    copy_of: int | None,
) -> Clip:
    kind = "egocentric" if form == "phone" else "robot"
    crew = [hand for hand in hands() if hand.kind == kind]
    if twist == "copy" or (copy_of is not None):
        crew = [hand for hand in crew if hand.worker == RESUBMITTER]
    chores = chores_of("egocentric" if form == "phone" else "robot")
    hand = crew[int(rng.integers(len(crew)))]
    chore = chores[int(rng.integers(len(chores)))]
    return Clip(number, form, takes, hand, chore, twist, copy_of if twist == "copy" else None)


_Row = tuple[Form, tuple[Take, ...], Twist, int | None]

_ORIGINAL = 3
"""Number of the phone clip that is handed in again later."""


def _plan() -> list[_Row]:
    """One row a recording. The first FIRST of them show one of nearly everything."""
    return [
        _robot(_clean(11)),
        _robot(_blurred("wrist", 11, 3.5, 6.5)),
        _robot(_lagging(12, 0.150)),
        ("phone", (_clean(12),), "none", _ORIGINAL),
        _robot(_dropped(11, 5.0, 5.7)),
        _robot(_clean(10)),
        _robot(_frozen("top", 11, 4.0, 7.0)),
        _phone(_dark(12, 3.0, 9.0)),
        _robot(_clean(12)),
        _robot(_black("wrist", 10, 4.0, 6.5)),
        ("phone", (_unreadable(10),), "unreadable", None),
        _robot(_without_wrist(9), "wrist missing"),
        _phone(_clean(14)),
        ("lerobot-v2.1", (_clean(8), _frozen("top", 9, 3.0, 6.0), _clean(8)), "none", None),
        # from here on they land while one watches
        _robot(_clean(13)),
        _robot(_bright("top", 10, 3.0, 7.0)),
        ("phone", (_copied(12),), "copy", _ORIGINAL),
        _robot(_drifting(16, 0.240)),
        _robot(_clean(12)),
        _phone(_blurred("video", 12, 4.0, 7.0)),
        _robot(_broken_off(12, 0.6), "breaks off"),
        _robot(_clean(11)),
        _robot(_short(1.4)),
        ("lerobot-v3.0", (_clean(9), _lagging(12, 0.150), _clean(10), _black("wrist", 9, 3.0, 6.0)),
         "none", None),
        _phone(_clean(11)),
        _robot(_blurred("wrist", 10, 0.0, 10.0)),
        _robot(_hidden(14, ((6.87, 7.17), (12.15, 12.45)))),
        _phone(_bright("video", 11, 2.0, 8.0)),
        _robot(_clean(10)),
        _robot(_counted_wrong(11), "joints missing"),
        _phone(_clean(13)),
        _robot(_dark(10, 0.0, 10.0, "top")),
        _robot(_clean(12)),
        _phone(_dropped(12, 6.0, 6.8, "video")),
        _robot(_lagging(12, 0.150, "top")),
        _robot(_clean(9)),
    ]  # fmt: skip


def _robot(take: Take, twist: Twist = "none") -> _Row:
    return "robot", (take,), twist, None


def _phone(take: Take) -> _Row:
    return "phone", (take,), "none", None


def _clean(duration_s: float) -> Take:
    return Take("clean", duration_s)


def _blurred(camera: str, duration_s: float, start_s: float, end_s: float) -> Take:
    label = "out of focus throughout" if end_s - start_s >= duration_s else "out of focus"
    spoil = Spoil(blurred=(start_s, end_s))
    return _spoiled(label, duration_s, camera, spoil, "blur", start_s, end_s)


def _frozen(camera: str, duration_s: float, start_s: float, end_s: float) -> Take:
    spoil = Spoil(frozen=(start_s, end_s))
    note = "the same picture again and again, while the arm moves"
    return _spoiled(note, duration_s, camera, spoil, "frozen_picture", start_s, end_s)


def _black(camera: str, duration_s: float, start_s: float, end_s: float) -> Take:
    spoil = Spoil(black=(start_s, end_s))
    return _spoiled("covered lens", duration_s, camera, spoil, "black_picture", start_s, end_s)


def _bright(camera: str, duration_s: float, start_s: float, end_s: float) -> Take:
    spoil = Spoil(bright=(start_s, end_s))
    return _spoiled("blown out", duration_s, camera, spoil, "overexposed", start_s, end_s)


def _dark(duration_s: float, start_s: float, end_s: float, camera: str = "video") -> Take:
    spoil = Spoil(dark=(start_s, end_s))
    return _spoiled("far too dark", duration_s, camera, spoil, "underexposed", start_s, end_s)


def _dropped(duration_s: float, start_s: float, end_s: float, camera: str = "top") -> Take:
    spoil = Spoil(dropped=((start_s, end_s),))
    note = f"{_pictures(end_s - start_s)} pictures dropped, with a gap in the times"
    return _spoiled(note, duration_s, camera, spoil, "dropped_frames", start_s, end_s)


def _hidden(duration_s: float, spans: tuple[tuple[float, float], ...]) -> Take:
    lost = sum(end - start for start, end in spans)
    note = f"{_pictures(lost)} pictures dropped behind times stamped anew at a constant rate"
    start, end = spans[0][0], spans[-1][1]
    return _spoiled(note, duration_s, "top", Spoil(hidden=spans), "dropped_frames", start, end)


def _lagging(duration_s: float, lag_s: float, camera: str = "wrist") -> Take:
    note = f"pictures lag the joints by {lag_s * 1000:.0f} ms"
    spoil = Spoil(lag_s=lag_s)
    return _spoiled(note, duration_s, camera, spoil, "sync_drift", 0.0, duration_s)


def _drifting(duration_s: float, drift_s: float) -> Take:
    note = f"pictures drift to {drift_s * 1000:.0f} ms behind the joints"
    spoil = Spoil(drift_s=drift_s)
    return _spoiled(note, duration_s, "wrist", spoil, "sync_drift", 0.0, duration_s)


def _short(duration_s: float) -> Take:
    defect = Defect("too_short", None, 0.0, duration_s, "stopped as soon as it was started")
    return Take("too short", duration_s, defects=(defect,), verdicts=BAD)


def _counted_wrong(duration_s: float) -> Take:
    note = "the recording declares more samples of the joints than there are"
    defect = Defect("count_mismatch", "joints", 0.0, duration_s, note)
    return Take(note, duration_s, defects=(defect,), verdicts=BAD)


def _without_wrist(duration_s: float) -> Take:
    note = "the wrist camera's file is not there"
    defect = Defect("missing_stream", "wrist", 0.0, duration_s, note)
    return Take(note, duration_s, defects=(defect,), verdicts=("fail",))


def _broken_off(duration_s: float, share: float) -> Take:
    note = "the upload of the top camera's file was interrupted"
    defect = Defect("corrupt_stream", "top", duration_s * share, duration_s, note)
    return Take(note, duration_s, defects=(defect,), verdicts=BAD)


def _unreadable(duration_s: float) -> Take:
    note = "the phone was switched off while it wrote: the file has no index"
    defect = Defect("corrupt_stream", "video", 0.0, duration_s, note)
    return Take(note, duration_s, defects=(defect,), verdicts=("fail",))


def _copied(duration_s: float) -> Take:
    return Take("handed in a second time", duration_s)


def _spoiled(
    note: str,
    duration_s: float,
    camera: str,
    spoil: Spoil,
    check: str,
    start_s: float,
    end_s: float,
) -> Take:
    defect = Defect(check, camera, start_s, end_s, note)
    return Take(note, duration_s, {camera: spoil}, (defect,), BAD)


def _pictures(seconds: float) -> int:
    return round(seconds * RATE_HZ)
