"""What a recording is known by: a hash of its content, whatever it is called and whosever it is."""

from __future__ import annotations

import functools
import hashlib
import math
from pathlib import Path

import av
import numpy as np

from dailies.recordings.contract import Camera, Carried, Episode, Series, StillsFile, VideoFile
from dailies.recordings.files import READ_ERRORS, is_video
from dailies.recordings.stills import stills_in

_SIZE = 16  # bytes of a digest: 32 hex digits


def fingerprint(episode: Episode) -> str:
    """32 hex digits that are the same for the same content, whatever it is called.

    It covers the bytes of every video (in a file shared by episodes, those of the stretch that is
    this episode's), encoded stills, and the times and values of every series. It covers no name, no
    metadata and no number of an episode, so a clip handed in again under another worker's name, or
    copied into another dataset, is known again. A damaged file counts with its bytes and the
    episode's index. Where there is no content at all, the path stands for it: two lost recordings
    are not one.
    """
    parts = sorted(_parts(episode))
    if not parts:
        parts = [f"nothing in {episode.path.resolve()} {episode.index}"]
    return _digest("\n".join(parts).encode())


def file_hash(path: Path) -> str | None:
    """Hash of a file's bytes, None where it is empty or unreadable; kept while it is unchanged."""
    try:
        state = path.stat()
        return _hash_of(path, state.st_size, state.st_mtime_ns) if state.st_size else None
    except READ_ERRORS:
        return None


@functools.lru_cache(maxsize=4096)
def _hash_of(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - the key of the cache
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_SIZE))
    return digest.hexdigest()


def _parts(episode: Episode) -> list[str]:
    parts = [part for camera in episode.cameras for part in _camera_parts(camera)]
    parts += [_series_part(series) for series in episode.series]
    for path in _unread(episode):
        content = file_hash(path)
        if content is not None:
            parts.append(f"file {content} {episode.index}")
    return parts


def _camera_parts(camera: Camera) -> list[str]:
    parts = []
    if isinstance(camera.source, VideoFile):
        is_shared = camera.source.start_s > 0 or camera.source.end_s is not None
        content = (_stretch_hash if is_shared else _video_hash)(camera.source)
        parts += [f"video {content}"] if content else []
    elif isinstance(camera.source, StillsFile):
        content = _stills_hash(camera.source)
        parts += [f"stills {content}"] if content else []
    elif camera.source is not None:
        content = _carried_hash(camera.source)
        parts += [f"carried {content}"] if content else []
    if camera.times_ns is not None and len(camera.times_ns):
        parts.append(f"times {_digest(camera.times_ns.tobytes())}")
    return parts


def _video_hash(video: VideoFile) -> str | None:
    return file_hash(video.path)


def _stretch_hash(video: VideoFile) -> str | None:
    """Hash of the encoded pictures of a stretch of a file that episodes share.

    Not of the file: it grows when further episodes are recorded, and this one stays what it is.
    """
    content = hashlib.blake2b(digest_size=_SIZE)
    count = 0
    end_s = math.inf if video.end_s is None else video.end_s
    try:
        with av.open(str(video.path), metadata_errors="replace") as container:
            stream = container.streams.video[video.track]
            unit = float(stream.time_base or 0)
            first = (container.start_time or 0) / av.time_base
            half_s = 0.5 / float(stream.average_rate) if stream.average_rate else 0.0
            container.seek(round(max(video.start_s - half_s + first, 0) / unit), stream=stream)
            for packet in container.demux(stream):
                if packet.pts is None:
                    continue
                at_s = packet.pts * unit - first
                if video.start_s - half_s <= at_s < end_s - half_s:
                    content.update(bytes(packet))
                    count += 1
                elif at_s > end_s + 1.0:  # a second on, so that reordered pictures are through
                    break
    except (*READ_ERRORS, av.FFmpegError):
        return file_hash(video.path)
    return content.hexdigest() if count else None


def _series_part(series: Series) -> str:
    content = hashlib.blake2b(series.times_ns.tobytes(), digest_size=_SIZE)
    content.update(series.values.tobytes())
    return f"series {series.values.shape[1]} {content.hexdigest()}"


def _stills_hash(stills: StillsFile) -> str | None:
    """Hash of the encoded pictures of rows [start, stop), wherever they are kept."""
    content = hashlib.blake2b(digest_size=_SIZE)
    try:
        for still in stills_in(stills):
            encoded = still or b""
            content.update(len(encoded).to_bytes(8, "little"))
            content.update(encoded)
    except READ_ERRORS:
        return None
    return content.hexdigest()


def _carried_hash(carried: Carried) -> str | None:
    """Hash of the pictures as the container carries them, as far as they can be read.

    A reader that has gone through them all gives it as their ``digest``.
    """
    known = getattr(carried, "digest", None)
    if isinstance(known, str):
        return known
    content, count = hashlib.blake2b(digest_size=_SIZE), 0
    try:
        for picture in carried.pictures():
            coded = picture.content
            whole = coded.tobytes() if isinstance(coded, np.ndarray) else coded or b""
            content.update(len(whole).to_bytes(8, "little"))
            content.update(whole)
            count += 1
    except READ_ERRORS:
        pass  # what was read before it broke off still tells it from others
    return content.hexdigest() if count else None


def _unread(episode: Episode) -> list[Path]:
    """Files of the episode that none of its streams shows the content of."""
    sources = {camera.source.path for camera in episode.cameras if camera.source is not None}
    if episode.series:
        sources |= {path for path in episode.files if not is_video(path.name)}
    return [path for path in episode.files if path not in sources]


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_SIZE).hexdigest()
