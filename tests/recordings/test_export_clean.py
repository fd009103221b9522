"""The good episodes of a LeRobot dataset, written as a v3.0 dataset and read back by our reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import av
import made
import numpy as np
import pandas as pd
import pytest
from apart import encoded

from dailies.recordings import episodes_at
from dailies.recordings.contract import Episode, VideoFile
from dailies.words import Grade, Verdict
from jobs.export_clean import ExportRefused, cut, export_clean, write_subset
from jobs.screening import failed
from quality.policy import Policy

CAMERAS = ("observation.images.top", "observation.images.wrist")


def pictures(episode: Episode, camera: int) -> Iterator[np.ndarray]:
    source = episode.cameras[camera].source
    assert isinstance(source, VideoFile)
    end_s = source.end_s if source.end_s is not None else np.inf
    with av.open(str(source.path)) as container:
        for frame in container.decode(video=0):
            if source.start_s - 0.01 <= (frame.time or 0) < end_s - 0.01:
                yield frame.to_ndarray(format="gray").astype(float)


def test_episodes_of_files_of_their_own_are_copied_exactly(tmp_path: Path) -> None:
    source = made.lerobot_v2(tmp_path / "source", lengths=(30, 24, 36), cameras=CAMERAS)
    assert write_subset(source, [0, 2], tmp_path / "subset") == 0
    before = [one for one in episodes_at(source) if one.index != 1]
    after = list(episodes_at(tmp_path / "subset"))
    assert [one.index for one in after] == [0, 1]
    for old, new in zip(before, after, strict=True):
        assert (new.format, new.problems) == ("lerobot-v3.0", ())
        for was, now in zip(old.series, new.series, strict=True):
            np.testing.assert_array_equal(was.values, now.values)
            np.testing.assert_array_equal(was.times_ns, now.times_ns)
        for camera in range(2):
            for was, now in zip(pictures(old, camera), pictures(new, camera), strict=True):
                np.testing.assert_array_equal(was, now)


def test_an_episode_that_starts_between_key_frames_is_encoded_anew(tmp_path: Path) -> None:
    source = made.lerobot_v3(tmp_path / "source", lengths=(30, 24, 36))
    assert write_subset(source, [1, 2], tmp_path / "subset") == 2
    before = list(episodes_at(source))[1:]
    after = list(episodes_at(tmp_path / "subset"))
    for old, new in zip(before, after, strict=True):
        assert new.problems == ()
        shown = zip(pictures(old, 0), pictures(new, 0), strict=True)
        assert max(np.abs(was - now).mean() for was, now in shown) < 2


def write_av1(path: Path) -> None:
    """30 pictures as LeRobot encodes them, every second one a key picture."""
    options = {"g": "2", "crf": "30", "preset": "12"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libsvtav1", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for at in range(30):
            picture = np.full((96, 128), 60 + 4 * at, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode())


def test_av1_is_copied_exactly_from_a_key_picture_on(tmp_path: Path) -> None:
    if "libsvtav1" not in av.codecs_available:
        pytest.skip("no encoder libsvtav1")
    encoded("av1", write_av1, tmp_path / "shared.mp4")
    video = VideoFile(tmp_path / "shared.mp4", 10 / 30, 20 / 30)
    assert cut(video, tmp_path / "own.mp4", 10) == (True, "av1")
    with av.open(str(tmp_path / "own.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10


def test_the_metadata_are_those_of_the_subset(tmp_path: Path) -> None:
    source = made.lerobot_v3(tmp_path / "source", lengths=(30, 24, 36))
    write_subset(source, [0, 2], tmp_path / "subset")
    info = json.loads((tmp_path / "subset/meta/info.json").read_text())
    assert (info["total_episodes"], info["total_frames"]) == (2, 66)
    assert info["splits"] == {"train": "0:2"}
    rows = pd.read_parquet(tmp_path / "subset/data/chunk-000/file-000.parquet")
    assert rows["index"].tolist() == list(range(66))
    assert rows["episode_index"].tolist() == [0] * 30 + [1] * 36
    listed = pd.read_parquet(tmp_path / "subset/meta/episodes/chunk-000/file-000.parquet")
    assert listed["dataset_to_index"].tolist() == [30, 66]
    tasks = pd.read_parquet(tmp_path / "subset/meta/tasks.parquet")
    assert tasks.loc["fold laundry", "task_index"] == 0
    stats = json.loads((tmp_path / "subset/meta/stats.json").read_text())
    state = np.stack(rows["observation.state"].to_list())
    np.testing.assert_allclose(stats["observation.state"]["mean"], state.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(stats["observation.state"]["std"], state.std(axis=0), rtol=1e-5)
    assert np.shape(stats["observation.images.top"]["mean"]) == (3, 1, 1)


def test_the_list_holds_the_good_ones_and_a_full_folder_is_refused(tmp_path: Path) -> None:
    bad = failed(tmp_path / "bad.mp4", 0, Policy.load(), "cut")
    good = type(bad)(**vars(bad) | {"verdict": Verdict.of("house@1", ())})
    assert good.verdict.grade is Grade.GOOD
    done = export_clean([bad, good], tmp_path / "clean")
    assert (done.episodes, done.datasets) == (1, {})
    (only,) = json.loads((tmp_path / "clean/good.json").read_text())["episodes"]
    assert only["path"].endswith("bad.mp4")
    with pytest.raises(ExportRefused, match="not empty"):
        export_clean([good], tmp_path / "clean")


def test_what_info_json_does_not_describe_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    source = made.lerobot_v3(tmp_path / "source", lengths=(30,))
    good = failed(source, 0, Policy.load(), "cut")
    good = type(good)(
        **vars(good) | {"verdict": Verdict.of("house@1", ()), "format": "lerobot-v3.0"}
    )
    info = source / "meta/info.json"
    said = json.loads(info.read_text())
    del said["features"]
    for text, words in ((json.dumps(said), "does not describe"), ("{", "cannot be read")):
        info.write_text(text)
        with pytest.raises(ExportRefused, match=words):
            export_clean([good], tmp_path / "clean")
        assert not (tmp_path / "clean").exists()


def test_an_episode_that_is_gone_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = made.lerobot_v3(tmp_path / "source", lengths=(30, 24))
    with pytest.raises(ExportRefused, match="no episode 7 any more"):
        write_subset(source, [0, 7], tmp_path / "subset")
    assert not (tmp_path / "subset").exists()


def test_depth_that_is_encoded_anew_keeps_every_bit(tmp_path: Path) -> None:
    if not made.has_codec("hevc"):
        pytest.skip("no encoder libx265")
    shared = tmp_path / "shared.mp4"
    with av.open(str(shared), "w") as container:
        options = {"x265-params": "lossless=1:log-level=none"}
        stream = container.add_stream("libx265", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "gray12le"
        for at in range(30):
            depth = np.full((64, 96), 300 + at, np.uint16)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(depth, "gray12le")))
        container.mux(stream.encode())
    assert cut(VideoFile(shared, 10 / 30, 20 / 30), tmp_path / "own.mp4", 10) == (False, "hevc")
    with av.open(str(tmp_path / "own.mp4")) as container:
        seen = [int(frame.to_ndarray()[0, 0]) for frame in container.decode(video=0)]
    assert seen == list(range(310, 320))
