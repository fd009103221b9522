"""Where the pictures of a stream lie, and the links under which a visitor gets them."""

from __future__ import annotations

import time
from pathlib import Path

from dailies.access import Visitor
from dailies.clips import Clip, playable
from dailies.config import Config
from dailies.mirror import Mirror
from metrics.episodes import episode, episode_streams
from pages._ground import ground
from quality.measures.measurements import safe_name


def file_of(mirror: Mirror, config: Config, clip: Clip) -> Path | None:
    """The file that the record names for a clip; None where it names none.

    Stream 0 is the first camera, which lists of episodes show.
    """
    streams = episode_streams(mirror, clip.episode_id)
    stream = next((one for one in streams if one.stream_id == clip.stream_id), None)
    if clip.stream_id == 0:
        stream = next((one for one in streams if one.kind == "video"), None)
    if stream is None:
        return None
    if clip.kind == "video" and stream.file:
        # by its suffix too: a recording's own metadata must not name any file of the house
        return Path(stream.file) if stream.kind == "video" and playable(stream.file) else None
    return still_of(mirror, config, clip.episode_id, stream.name) if clip.kind == "still" else None


def still_of(mirror: Mirror, config: Config, episode_id: int, stream: str) -> Path | None:
    """Where the thumbnail of a stream lies, None where nothing was measured."""
    facts = episode(mirror, episode_id)
    if facts is None or not facts.measurements:
        return None
    return config.data / facts.measurements / f"{safe_name(stream)}.jpg"


def link(kind: str, episode_id: int, stream_id: int, visitor: Visitor) -> str:
    """The signed address at which the visitor gets a stream's ``video`` or ``still``."""
    clip = Clip(kind, episode_id, stream_id)
    return ground().signer.link(clip, visitor.id or "", now_s=time.time())
