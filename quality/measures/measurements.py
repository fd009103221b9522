"""All the numbers measured on one episode, and how they are stored: Parquet and one JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from dailies.recordings.contract import Problem, Step
from dailies.words import NS, Span
from quality.measures.others import Length, Others, Seen, Turned
from quality.measures.pictures import CURVES, Pictures
from quality.measures.series import SeriesMeasures
from quality.measures.shift import Worked
from quality.measures.sketch import Copy, Sketch
from quality.measures.sound import SoundMeasures
from quality.measures.sync import SyncMeasures

VERSION = 1
"""Layout of the stored measurements."""

T = TypeVar("T")


class UnknownLayout(ValueError):
    """Stored measurements of another version: measure the recording again."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """What measuring one episode gave: everything a verdict needs, so that no video is reopened.

    ``problems`` are those that the reader had found; ``declared_duration_s`` is what the metadata
    promises. ``task`` and ``steps`` are what the recording says was done, None where it says none.
    ``worked`` is looked up in the record each time, and never stored.
    """

    cameras: tuple[Pictures, ...] = ()
    series: tuple[SeriesMeasures, ...] = ()
    sync: tuple[SyncMeasures, ...] = ()
    problems: tuple[Problem, ...] = ()
    declared_duration_s: float | None = None
    task: str | None = None
    steps: tuple[Step, ...] = ()
    sounds: tuple[SoundMeasures, ...] = ()
    copies: tuple[Copy, ...] = ()
    others: Others | None = None
    worked: tuple[Worked, ...] = ()

    @property
    def duration_ns(self) -> int:
        """End of the last stream on the recording's clock, in ns from its start."""
        ends = [camera.span.end_ns for camera in self.cameras]
        return max(ends + [series.span.end_ns for series in self.series], default=0)

    def summary(self) -> dict[str, dict[str, float | None]]:
        """The numbers that sum each stream up, by stream name; a number's name says its unit."""
        summed = {camera.name: _summed_pictures(camera) for camera in self.cameras}
        summed |= {series.name: _summed_series(series) for series in self.series}
        summed |= {sound.name: _summed_sound(sound) for sound in self.sounds}
        for sync in self.sync:
            for name, value in _summed_sync(sync).items():
                # the first relation of a stream is the one that counts
                summed.setdefault(sync.stream, {}).setdefault(name, value)
        return summed

    def curves(self, stream: str) -> dict[str, npt.NDArray[Any]]:
        """The curves of a stream for drawing: ``time_s`` and others of the same length.

        Raises KeyError for a stream that is not there.
        """
        for camera in self.cameras:
            if camera.name == stream:
                drawn = {name: getattr(camera, name) for name in CURVES}
                # some are kept since later than others
                drawn = {name: curve for name, curve in drawn.items() if len(curve) == camera.count}
                return _timed(camera.times_ns) | drawn | {"repeat": camera.repeat}
        for series in self.series:
            if series.name == stream:
                return _timed(series.times_ns) | {"speed": series.speed}
        for sound in self.sounds:
            if sound.name == stream:
                return _timed(sound.times_ns) | {"rms": sound.rms, "peak": sound.peak}
        raise KeyError(f"no stream {stream!r} was measured")

    def save(self, folder: Path) -> None:
        """Write ``measurements.json``, Parquet files and ``<stream>.jpg`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        plain: dict[str, Any] = {
            "version": VERSION,
            "declared_duration_s": self.declared_duration_s,
            "task": self.task,
            "steps": [_scalars(step) for step in self.steps],
        }
        plain["problems"] = [_scalars(problem) for problem in self.problems]
        for kind, measured in self._kinds():
            plain[kind] = [_store(kind, one, folder, at) for at, one in enumerate(measured)]
        for camera in self.cameras:
            if camera.thumbnail:
                (folder / f"{safe_name(camera.name)}.jpg").write_bytes(camera.thumbnail)
        # written last: a folder without it is not whole
        (folder / "measurements.json").write_bytes(orjson.dumps(plain))

    @classmethod
    def load(cls, folder: Path) -> Measurements:
        """What ``save`` wrote there.

        Raises FileNotFoundError where nothing is stored, UnknownLayout for another version.
        """
        plain = orjson.loads((folder / "measurements.json").read_bytes())
        if plain["version"] != VERSION:
            raise UnknownLayout(
                f"{folder}: measurements of version {plain['version']}, this program reads "
                f"{VERSION}: screen the recording again"
            )
        cameras = tuple(_restore(Pictures, one, folder) for one in plain["cameras"])
        return cls(
            cameras=tuple(replace(one, thumbnail=_thumbnail(one, folder)) for one in cameras),
            series=tuple(_restore(SeriesMeasures, one, folder) for one in plain["series"]),
            sync=tuple(_restore(SyncMeasures, one, folder) for one in plain["sync"]),
            problems=tuple(Problem(**one) for one in plain["problems"]),
            declared_duration_s=plain["declared_duration_s"],
            # kept since sound is measured
            sounds=tuple(_restore(SoundMeasures, one, folder) for one in plain.get("sounds", ())),
            # kept since series keep their values
            task=plain.get("task"),
            steps=tuple(Step(**one) for one in plain.get("steps", ())),
            copies=_load_copies(folder),
            others=_load_others(folder),
        )

    def _kinds(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        yield "cameras", self.cameras
        yield "series", self.series
        yield "sync", self.sync
        yield "sounds", self.sounds


COPIES, OTHERS = "copies.json", "others.json"


def keep_copies(folder: Path, copies: tuple[Copy, ...]) -> None:
    """Keep beside stored measurements what was found of them in earlier recordings."""
    keep_beside(folder / COPIES, copies)


def keep_others(folder: Path, others: Others) -> None:
    """Keep beside stored measurements what the others of the task and the rig say of them."""
    keep_beside(folder / OTHERS, others)


def keep_beside(file: Path, found: object) -> None:
    """Write a file beside stored measurements, whole or not at all; nothing found is no file."""
    if not found:
        file.unlink(missing_ok=True)
        return
    passing = file.with_name(f".{file.name}-{os.getpid()}")
    passing.write_bytes(orjson.dumps(found))
    passing.replace(file)


def load_sketches(folder: Path) -> tuple[Sketch, ...]:
    """The sketches of the cameras alone, in their order. Raises as ``Measurements.load`` does."""
    plain = orjson.loads((folder / "measurements.json").read_bytes())
    return tuple(_restore(Pictures, one, folder).sketch for one in plain["cameras"])


def _load_others(folder: Path) -> Others | None:
    try:
        found = orjson.loads((folder / OTHERS).read_bytes())
    except FileNotFoundError:
        return None
    length = found["length"]
    return Others(
        tuple(Turned(**one) for one in found["turned"]),
        Length(**length) if length else None,
        tuple(Seen(**one) for one in found.get("seen", ())),
        found.get("seconds", 0.0),
    )


def _load_copies(folder: Path) -> tuple[Copy, ...]:
    try:
        rows = orjson.loads((folder / COPIES).read_bytes())
    except FileNotFoundError:
        return ()
    return tuple(
        Copy(**row | {"span": Span(**row["span"]), "of_span": Span(**row["of_span"])})
        for row in rows
    )


def safe_name(stream: str) -> str:
    """A stream's name as a file name: ``observation.images.wrist`` stays as it is."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", stream).lstrip(".") or "stream"


def _timed(times_ns: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    intervals = np.diff(times_ns, prepend=times_ns[:1]) / 1e6
    return {"time_s": times_ns / NS, "interval_ms": intervals}


def _scalars(one: Any) -> dict[str, Any]:
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    return {k: v for k, v in values.items() if not isinstance(v, np.ndarray | bytes)}


def _columns(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Arrays as columns of a table: one of shape (n, k) becomes ``name.0`` to ``name.<k - 1>``."""
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, array in arrays.items():
        if array.ndim == 2:
            columns |= {f"{name}.{at}": array[:, at] for at in range(array.shape[1])}
        else:
            columns[name] = array
    return columns


def _arrays(table: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """The arrays of which ``_columns`` made a table."""
    wide: dict[str, list[npt.NDArray[Any]]] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for column in table.column_names:
        name, dot, _ = column.partition(".")
        values = table[column].to_numpy()
        if dot:
            wide.setdefault(name, []).append(values)
        else:
            arrays[name] = values
    return arrays | {name: np.stack(columns, axis=1) for name, columns in wide.items()}


def _store(kind: str, one: Any, folder: Path, at: int) -> dict[str, Any]:
    """Arrays go to a Parquet file (one column a array of equal length), the rest is returned."""
    arrays = {
        field.name: getattr(one, field.name)
        for field in fields(one)
        if isinstance(getattr(one, field.name), np.ndarray)
    }
    plain = _scalars(one)
    plain.pop("thumbnail", None)
    for length in sorted({len(array) for array in arrays.values()}):
        equal = _columns({k: v for k, v in arrays.items() if len(v) == length})
        table = pa.table({k: pa.array(v) for k, v in equal.items()})
        file = f"{kind}-{at}-{length}.parquet"
        pq.write_table(table, folder / file, compression="zstd")
        plain.setdefault("arrays", []).append(file)
    return plain


def _restore(kind: type[T], plain: dict[str, Any], folder: Path) -> T:
    files = plain.pop("arrays", [])
    arrays: dict[str, Any] = {}
    for file in files:
        arrays |= _arrays(pq.read_table(folder / file, use_threads=False))
    # JSON has no tuples
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
    return kind(**plain, **arrays)


def _thumbnail(camera: Pictures, folder: Path) -> bytes | None:
    file = folder / f"{safe_name(camera.name)}.jpg"
    return file.read_bytes() if file.exists() else None


def _summed_pictures(camera: Pictures) -> dict[str, float | None]:
    intervals_s = np.diff(camera.times_ns) / NS
    # of a triage most pictures are not known
    seen, compared = np.isfinite(camera.luma), np.isfinite(camera.motion)
    return {
        "count": float(camera.count),
        "rate_hz": camera.rate_hz,
        "gap_max_s": _number(np.max, intervals_s),
        "sharpness_median": _number(np.median, camera.sharpness),
        "texture_median": _number(np.median, camera.texture),
        "edge_px_median": _number(np.nanmedian, camera.edge_px),
        "luma_median": _number(np.median, camera.luma),
        "contrast_median": _number(np.median, camera.contrast),
        "motion_median": _number(np.median, camera.motion),
        "repeat_share": _number(np.mean, camera.repeat[compared]),
        "black_share": _number(np.mean, camera.dark_share[seen] >= 0.98),
        "error_count": float(camera.error_count),
        **camera.delays,
    }


def _summed_series(series: SeriesMeasures) -> dict[str, float | None]:
    intervals_s = np.diff(series.times_ns) / NS
    return {
        "count": float(series.count),
        "rate_hz": series.rate_hz,
        "gap_max_s": _number(np.max, intervals_s),
        "columns": float(len(series.columns)),
        # of what nothing says how to read, nothing is known but its times
        "speed_mean_per_s": _number(np.mean, series.speed) if series.columns else None,
        "bad_count": float(series.bad_count) if series.columns else None,
        **series.delays,
    }


def _summed_sync(sync: SyncMeasures) -> dict[str, float | None]:
    """Time stamps alone tell when a stream starts and ends, and not how far it is out of step."""
    if sync.method == "clock":
        edges = (sync.start_offset_ms, sync.end_offset_ms) if sync.tells else (None, None)
        return dict(zip(("starts_late_ms", "ends_late_ms"), edges, strict=True))
    return {
        name: value
        for name, value in _scalars(sync).items()
        if name.endswith(("_ms", "_ppm", "correlation")) and not isinstance(value, tuple)
    }


def _summed_sound(sound: SoundMeasures) -> dict[str, float | None]:
    return {
        "count": float(sound.count),
        "rate_hz": float(sound.rate_hz) or None,
        "rms_median": _number(np.median, sound.rms),
        "peak_max": _number(np.max, sound.peak),
        "clipped_share": _number(np.mean, sound.clipped_share),
        "hum_share": sound.hum_share,
        "error_count": float(sound.error_count),
    }


def _number(statistic: Any, values: npt.NDArray[Any]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(statistic(finite)) if len(finite) else None
