"""Recordings with a defect that a reader can see."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
FROZEN_S = (2.0, 4.0)


def film(path: Path, *, frozen: bool, seconds: float = 6.0, rate: int = 15) -> None:
    """A cobbled wall that wanders through the picture and, where ``frozen``, stands still."""
    stones = np.random.default_rng(7).integers(60, 200, (24, 32)).repeat(10, 0).repeat(10, 1)
    near = [np.roll(stones, (down, across), (0, 1)) for down in range(5) for across in range(5)]
    wall = np.mean(near, axis=0).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = Fraction(1, rate)
        for at in range(round(seconds * rate)):
            still = frozen and FROZEN_S[0] <= at / rate < FROZEN_S[1]
            where = round(FROZEN_S[0] * rate) if still else at
            frame = av.VideoFrame.from_ndarray(np.roll(wall, 3 * where, axis=1), format="gray")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    who = {"task": "egg", "worker": "w-1", "site": "delft", "rig": "r1"}
    path.with_suffix(".json").write_text(json.dumps(who | {"started_at": NOW.isoformat()}))
