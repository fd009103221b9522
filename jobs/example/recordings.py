"""The example's recordings: encoded in a folder of their own, and moved to where they land.

What is half made lies beside the watched folder and comes into it by one rename, as an uploader
ought to do it, so that nobody ever sees half of a recording.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.example.catalogue import program_of
from jobs.example.clips import FIRST, JOINTS_HZ, Clip, encore, planned
from jobs.example.datasets import write_v21, write_v30
from jobs.example.encoding import RATE_HZ, break_off
from jobs.example.filming import ROBOT_CAMERAS, Staged
from jobs.example.manifest import Defect, Planted
from jobs.example.scene import JOINTS

JITTER_S = 0.0004
"""Standard deviation of the joint recorder's clock."""

ENCORES = 400
"""How many recordings land after the planned ones, so that a forgotten demo fills no disk."""
ENCORE_PACE = 3.0
"""How many times as long one waits for those."""

Progress = Callable[[str, int, int], None]


def encode_recordings(
    folder: Path,
    *,
    seed: int,
    processes: int = 2,
    progress: Progress | None = None,
    clips: tuple[Clip, ...] | None = None,
) -> tuple[Planted, ...]:
    """Encode the first batch into ``folder`` and say what is planted, episode by episode.

    What lies there already is left. ``processes`` 1 encodes in this one. ``clips`` are others than
    the first FIRST planned.
    """
    chosen = planned(seed)[:FIRST] if clips is None else clips
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    missing = [clip for clip in chosen if not (folder / clip.name).exists()]
    # copies want the recording that they are copies of
    own = [clip for clip in missing if clip.copy_of is None]
    copies = [clip for clip in missing if clip.copy_of is not None]
    tally = _tally(len(chosen), len(chosen) - len(missing), progress)
    next(tally)
    if processes > 1 and len(own) > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            at_work = [pool.submit(land, clip, folder, seed, _earlier(clip, now)) for clip in own]
            for done in as_completed(at_work):
                done.result()
                next(tally)
        own = []
    for clip in (*own, *copies):
        land(clip, folder, seed, _earlier(clip, now))
        next(tally)
    return tuple(itertools.chain.from_iterable(planted_in(clip, seed) for clip in chosen))


def landings(
    folder: Path, *, seed: int, every_s: float = 6.0, rounds: int | None = None
) -> Iterator[tuple[Planted, ...]]:
    """Let further recordings land in ``folder``, one every ``every_s`` seconds or so.

    First those planned, then others, fewer and mostly clean; after ENCORES of them none comes any
    more, and it waits for ever. Yields what has just landed (a dataset has several episodes); stop
    by closing it or ending the process. ``rounds`` ends it after so many recordings. Started anew
    it goes on where it was.
    """
    count = len(planned(seed))
    landed = 0
    for number in range(FIRST, count + ENCORES):
        if rounds is not None and landed >= rounds:
            return
        clip = planned(seed)[number] if number < count else encore(seed, number)
        if (folder / clip.name).exists() or not _can_be_made(clip, folder, seed):
            continue
        begun = time.monotonic()
        land(clip, folder, seed)
        yield planted_in(clip, seed)
        landed += 1
        wait = every_s * (1.0 if number < count else ENCORE_PACE)
        time.sleep(max(0.0, wait - (time.monotonic() - begun)))
    while rounds is None:
        time.sleep(3600)


def land(clip: Clip, folder: Path, seed: int, started_at: dt.datetime | None = None) -> None:
    """Make one recording and move it into ``folder``; by default it has just been recorded.

    Raises FileNotFoundError where it is a copy of a recording that is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    length = sum(take.duration_s for take in clip.takes)
    started_at = started_at or dt.datetime.now(dt.UTC) - dt.timedelta(seconds=length + 20)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as making:
        made = Path(making) / clip.name
        make(clip, made, folder, seed, started_at)
        for file in sorted(Path(making).glob(f"{clip.name}.json")):
            # what is said of a video comes first, so that the video never stands alone
            file.rename(folder / file.name)
        made.rename(folder / clip.name)


def make(clip: Clip, path: Path, folder: Path, seed: int, started_at: dt.datetime) -> None:
    """Write the files of one recording to ``path``, where a copy's original lies in ``folder``."""
    cv2.setNumThreads(1)
    source = clip if clip.copy_of is None else planned(seed)[clip.copy_of]
    rng = np.random.default_rng([seed, 3, source.number])
    staged = [Staged.of(take, rng) for take in source.takes]
    said = _said(clip, started_at)
    if clip.form == "robot":
        _make_robot(clip, path, staged[0], rng, said)
    elif clip.form == "phone":
        _make_phone(clip, path, staged[0], said, folder / source.name)
    elif clip.form == "lerobot-v2.1":
        write_v21(path, clip, staged)
        _say_whose(path, clip, started_at)
    else:
        write_v30(path, clip, staged)
        _say_whose(path, clip, started_at)


def planted_in(clip: Clip, seed: int) -> tuple[Planted, ...]:
    """What the manifest says of a recording: one entry an episode."""
    original = None if clip.copy_of is None else planned(seed)[clip.copy_of].name
    return tuple(
        Planted(
            path=clip.name,
            index=index,
            name=take.label,
            duration_s=take.duration_s,
            defects=tuple(_renamed(defect, clip.form) for defect in take.defects),
            verdicts=take.verdicts,
            duplicate_of=original,
        )
        for index, take in enumerate(clip.takes)
    )


def _can_be_made(clip: Clip, folder: Path, seed: int) -> bool:
    """A copy needs the recording that it is a copy of, which somebody may have removed."""
    return clip.copy_of is None or (folder / planned(seed)[clip.copy_of].name).exists()


def _make_robot(
    clip: Clip, path: Path, staged: Staged, rng: np.random.Generator, said: dict[str, Any]
) -> None:
    """A folder with a video per camera, the joints as a table, and a recording.json."""
    cameras = []
    for camera in ROBOT_CAMERAS:
        file = path / f"{camera}.mp4"
        count = staged.film(camera, file)
        cameras.append(
            {"name": camera, "file": file.name, "frame_count": count, "rate_hz": RATE_HZ}
        )
    joints = _joints(staged, rng)
    declared = joints.num_rows
    if clip.twist == "joints missing":
        joints = joints.slice(0, round(declared * 0.86))
    elif clip.twist == "wrist missing":
        (path / "wrist.mp4").unlink()
    elif clip.twist == "breaks off":
        break_off(path / "top.mp4", 0.6)
    pq.write_table(joints, path / "joints.parquet")
    series = {
        "name": "joints",
        "file": "joints.parquet",
        "time": "time_s",
        "unit": "s",
        "role": "state",
        "rate_hz": JOINTS_HZ,
        "sample_count": declared,
    }
    text = json.dumps(said | {"cameras": cameras, "series": [series]}, indent=1)
    (path / "recording.json").write_text(text + "\n")


def _make_phone(
    clip: Clip, path: Path, staged: Staged, said: dict[str, Any], original: Path
) -> None:
    """One video, and beside it what is said of it."""
    if clip.twist == "copy":
        shutil.copyfile(original, path)
    else:
        staged.film("video", path, whole_first=clip.twist != "unreadable")
    if clip.twist == "unreadable":
        break_off(path, 0.7)
    path.with_name(f"{path.name}.json").write_text(json.dumps(said, indent=1) + "\n")


def _say_whose(path: Path, clip: Clip, started_at: dt.datetime) -> None:
    """What LeRobot has no field for, in meta/dailies.json: the takes follow one another."""
    said = _said(clip, started_at)
    del said["steps"]
    lengths = [take.duration_s for take in clip.takes]
    begins = itertools.accumulate(lengths, lambda at, length: at + length + 15.0, initial=0.0)
    episodes = {
        str(index): {"started_at": _iso(started_at + dt.timedelta(seconds=begin))}
        for index, begin in zip(range(len(lengths)), begins, strict=False)
    }
    text = json.dumps(said | {"episodes": episodes}, indent=1)
    (path / "meta" / "dailies.json").write_text(text + "\n")


def _iso(instant: dt.datetime) -> str:
    return instant.isoformat(timespec="milliseconds")


def _joints(staged: Staged, rng: np.random.Generator) -> pa.Table:
    """The arm's joints as their recorder stamps them: 50 Hz, on a clock that is a little uneven."""
    count = round(staged.take.duration_s * JOINTS_HZ)
    times = np.arange(count) / JOINTS_HZ
    stamped = np.maximum(times + rng.normal(0.0, JITTER_S, count), 0.0)
    stamped[0] = 0.0
    values = staged.motion.at(stamped)
    values += rng.normal(0.0, 0.0006, values.shape)
    columns = [pa.array(stamped), *(pa.array(column) for column in values.T)]
    return pa.table(columns, names=["time_s", *JOINTS])


def _said(clip: Clip, started_at: dt.datetime) -> dict[str, Any]:
    """Who, where, when, and the steps of the task."""
    length = clip.take.duration_s
    steps = clip.chore.steps
    bounds = np.round(np.linspace(0.0, length, len(steps) + 1), 2).tolist()
    return {
        "note": "made by the example operation of Dailies",
        "task": clip.chore.id,
        "worker": clip.hand.worker,
        "site": clip.hand.site,
        "rig": clip.hand.rig,
        "shift": clip.hand.shift,
        "program": program_of(clip.hand.site, clip.chore),
        "started_at": _iso(started_at),
        "steps": [
            {"label": label, "start_s": start, "end_s": end}
            for label, start, end in zip(steps, bounds, bounds[1:], strict=False)
        ],
    }


def _renamed(defect: Defect, form: str) -> Defect:
    """The defect under the name that the camera has in a LeRobot dataset."""
    if form.startswith("lerobot") and defect.stream in ROBOT_CAMERAS:
        return replace(defect, stream=f"observation.images.{defect.stream}")
    return defect


def _earlier(clip: Clip, now: dt.datetime) -> dt.datetime:
    """When one of the first batch was recorded: within the last hour and a half, in order."""
    return now - dt.timedelta(minutes=90 - 5 * (clip.number % 17))


def _tally(total: int, done: int, progress: Progress | None) -> Iterator[None]:
    """Tells, at every step, how many recordings are encoded."""
    for count in itertools.count(done):
        if progress is not None:
            progress("encoding recordings", count, total)
        yield
