"""Depth in LeRobot datasets: counted and timed, and not judged as a camera's pictures."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import made
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apart import encoded
from test_lerobot import change_info, told

from dailies.recordings import episodes_at, fingerprint
from dailies.recordings.contract import Episode

TOP, DEPTH = "observation.images.top", "observation.images.depth"
VIDEO = f"videos/{DEPTH}/chunk-000/file-000.mp4"


def distances(at: int) -> np.ndarray:
    """uint16 (64, 96) in mm: near, so that a camera would call it black."""
    return np.full((64, 96), 300 + at, np.uint16)


def write_depth(path: Path, count: int) -> None:
    """Distances as LeRobot keeps them: 12 bits of one channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"x265-params": "lossless=1:log-level=none"}
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx265", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "gray12le"
        for at in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(distances(at), "gray12le")))
        container.mux(stream.encode())


def describe(root: Path, name: str, entry: dict[str, Any]) -> None:
    features = json.loads((root / "meta/info.json").read_text())["features"]
    change_info(root, features=features | {name: entry})


@pytest.fixture(params=[{"video.is_depth_map": True}, {"is_depth_map": True}, {}])
def filmed(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A camera and a depth camera; a flag says so, or nothing but the pixels."""
    if not made.has_codec("hevc"):
        pytest.skip("no encoder libx265")
    root = made.lerobot_v3(tmp_path / "filmed", cameras=(TOP, DEPTH))
    encoded("hevc", write_depth, root / VIDEO, 90)
    describe(root, DEPTH, {"dtype": "video", "shape": [64, 96, 1], "info": request.param})
    return root


def depth_of(episode: Episode) -> Any:
    (found,) = [one for one in episode.series if one.name == DEPTH]
    return found


def test_depth_in_a_video_is_a_series_without_values(filmed: Path) -> None:
    for episode, count in zip(episodes_at(filmed), (30, 24, 36), strict=True):
        assert told(episode) == []
        assert [camera.name for camera in episode.cameras] == [TOP]
        depth = depth_of(episode)
        assert depth.values.shape == (count, 0)
        assert (depth.role, depth.declared_count, depth.declared_rate_hz) == ("other", count, 30)
        np.testing.assert_allclose(depth.times_ns, np.arange(count) / 30 * 1e9, atol=1e5)


def test_depth_that_is_missing_is_told_of(filmed: Path) -> None:
    before = [one.files for one in episodes_at(filmed)]
    (filmed / VIDEO).unlink()
    for episode in episodes_at(filmed):
        assert told(episode) == [("missing_stream", DEPTH)]
    if json.loads((filmed / "meta/info.json").read_text())["features"][DEPTH]["info"]:
        # what intake goes by changes when the file comes
        assert all(filmed / VIDEO in one.files for one in episodes_at(filmed))
        assert not any(filmed / VIDEO in files for files in before)


def test_depth_that_was_cut_off_is_counted_as_far_as_it_is_there(filmed: Path) -> None:
    """The index stands before the pictures, and names those that are gone, too."""
    content = (filmed / VIDEO).read_bytes()
    (filmed / VIDEO).write_bytes(content[: content.index(b"mdat") + 2000])
    counts = [len(depth_of(one).times_ns) for one in episodes_at(filmed)]
    assert counts[0] == 30
    assert counts[2] < 36


def test_a_depth_video_that_grows_leaves_the_fingerprint_of_its_episodes(filmed: Path) -> None:
    before = [fingerprint(one) for one in episodes_at(filmed)]
    encoded("hevc", write_depth, filmed / VIDEO, 120)
    assert [fingerprint(one) for one in episodes_at(filmed)] == before


def png(pixels: np.ndarray) -> dict[str, Any]:
    """A cell of a PNG of one channel, with 8 or 16 bits a pixel."""
    encoder = av.CodecContext.create("png", "w")
    kind = "gray16be" if pixels.dtype == np.uint16 else "gray"
    encoder.width, encoder.height, encoder.pix_fmt = 96, 64, kind
    encoder.time_base = Fraction(1, 30)
    frame = av.VideoFrame.from_ndarray(pixels, "gray16le" if kind == "gray16be" else kind)
    packets = [*encoder.encode(frame.reformat(format=kind)), *encoder.encode(None)]
    return {"bytes": b"".join(map(bytes, packets)), "path": None}


def with_stills(root: Path, cells: list[dict[str, Any]], info: dict[str, Any]) -> Path:
    made.lerobot_v3(root, cameras=())
    path = root / "data/chunk-000/file-000.parquet"
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    made.write_table(path, pq.read_table(path).append_column(DEPTH, pa.array(cells, kind)))
    describe(root, DEPTH, {"dtype": "image", "shape": [64, 96, 1], "info": info})
    return root


@pytest.mark.parametrize("info", [{}, {"is_depth_map": True}])
def test_depth_in_stills_is_a_series_without_values(tmp_path: Path, info: dict[str, Any]) -> None:
    root = with_stills(tmp_path / "x", [png(distances(at)) for at in range(90)], info)
    for episode, count in zip(episodes_at(root), (30, 24, 36), strict=True):
        assert told(episode) == []
        assert episode.cameras == ()
        assert depth_of(episode).values.shape == (count, 0)
        assert depth_of(episode).clock == "grid"


def test_stills_of_one_channel_of_8_bits_are_a_cameras(tmp_path: Path) -> None:
    cells = [png(np.full((64, 96), at, np.uint8)) for at in range(90)]
    episode = next(episodes_at(with_stills(tmp_path / "x", cells, {})))
    assert [camera.name for camera in episode.cameras] == [DEPTH]


def test_stills_of_which_the_table_has_only_the_paths_are_told_of(tmp_path: Path) -> None:
    cells = [{"bytes": None, "path": f"{at}.png"} for at in range(90)]
    for episode in episodes_at(with_stills(tmp_path / "x", cells, {})):
        assert told(episode) == [("missing_stream", DEPTH)]
        assert "holds only the paths of pictures" in episode.problems[0].message
