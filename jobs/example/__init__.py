"""The example operation: a made-up company's 90 days, and recordings that are really encoded.

Everything here is invented and says so: episodes carry ``is_example``, names begin with "Example".
The recordings go through the real pipeline; ``Manifest`` says what was planted in them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select

from dailies.config import Config
from dailies.database import Record, open_record
from dailies.record import Episode, Site
from jobs.example.catalogue import DEFAULT_SEED
from jobs.example.clips import planned
from jobs.example.history import build_history
from jobs.example.manifest import MANIFEST_NAME, Defect, History, Manifest, Planted
from jobs.example.recordings import encode_recordings, landings, planted_in
from quality.policy import Policy

__all__ = [
    "Defect",
    "History",
    "Manifest",
    "Planted",
    "RecordInUse",
    "build",
    "build_history",
    "encode_recordings",
    "landings",
    "recordings_folder",
]


class RecordInUse(RuntimeError):
    """Raised rather than mix an example into a record that holds something."""


Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much of it is done, and how much there is in all."""


def recordings_folder(config: Config) -> Path:
    """Where the example's recordings land: the folder to watch while the demo runs."""
    return config.data / "example" / "recordings"


def build(
    config: Config,
    *,
    seed: int = DEFAULT_SEED,
    scale: float = 1.0,
    progress: Progress | None = None,
    now: dt.datetime | None = None,
) -> Manifest:
    """Write the example's history into the record and encode its first recordings.

    ``scale`` multiplies the number of shifts in the history, and so of its episodes (about 60,000
    at 1). The recordings lie in ``recordings_folder(config)``, ready to be screened; more come
    with ``landings``. A data folder that holds an example already is left as it is, and its
    manifest is given back. ``now`` is for tests. Raises RecordInUse where the record holds
    anything else.
    """
    kept = config.data / "example" / MANIFEST_NAME
    if kept.exists():
        return Manifest.load(kept)
    now = now or dt.datetime.now(dt.UTC)
    folder = recordings_folder(config)
    record = open_record(config.record)
    try:
        _refuse_to_mix(record)
        with ThreadPoolExecutor(1) as beside:
            # the encoders are processes of their own, so the history is written meanwhile
            encoding = beside.submit(encode_recordings, folder, seed=seed, progress=progress)
            policy = Policy.load(config.policy).id
            history = build_history(
                record, seed=seed, scale=scale, policy=policy, now=now, progress=progress
            )
            encoding.result()
    finally:
        record.close()
    manifest = Manifest(
        seed=seed,
        made_at=now.isoformat(timespec="seconds"),
        folder=str(folder),
        history=history,
        recordings=tuple(planted for clip in planned(seed) for planted in planted_in(clip, seed)),
    )
    manifest.save(kept)
    return manifest


def _refuse_to_mix(record: Record) -> None:
    with record.read() as session:
        site = session.scalar(select(Site.id).limit(1))
        episode = session.scalar(select(Episode.id).limit(1))
    if site is not None or episode is not None:
        raise RecordInUse(
            f"the record {record.engine.url.render_as_string()} holds an operation already, and "
            "an example would be mixed into it: give the demo another folder with --data"
        )
