"""Which pictures may leave the house: signed links to the files of streams, and to nothing else."""

from __future__ import annotations

import hmac
import mimetypes
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

LIFETIME_S = 4 * 3600

PLAYABLE = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Containers that browsers play, with the media type that lets them (they refuse quicktime's)."""


class LinkError(Exception):
    """A link that is not good; its text says why and is fit to be shown."""


@dataclass(frozen=True)
class Clip:
    """What a good link asks for: ``kind`` is ``video``, or ``still`` for the thumbnail."""

    kind: str
    episode_id: int
    stream_id: int


@dataclass(frozen=True)
class Signer:
    """Signs links that name a user, an episode and a stream, and that run out."""

    key: bytes

    @classmethod
    def of(cls, secret: str | None) -> Signer:
        """From a secret that several servers share, else one of this process's own."""
        seed = secret.encode() if secret else secrets.token_bytes(32)
        return cls(hmac.digest(seed, b"dailies clips", "sha256"))

    def link(self, clip: Clip, user: str, *, now_s: float, lifetime_s: int = LIFETIME_S) -> str:
        """The path and query at which ``user`` gets the clip, for a few hours.

        The end is rounded up to a quarter of the lifetime, so that a page that is drawn again gives
        the same address and the browser keeps what it has.
        """
        step = max(lifetime_s // 4, 1)
        until = (int(now_s) // step + 1) * step + lifetime_s - step
        query = {"user": user, "until": until, "sign": self._signature(clip, user, until)}
        return f"/clips/{clip.kind}/{clip.episode_id}/{clip.stream_id}?{urlencode(query)}"

    def check(
        self, clip: Clip, query: Mapping[str, str], *, user: str | None, now_s: float
    ) -> None:
        """Raises LinkError unless it was signed for this clip and user and still runs."""
        try:
            until = int(query.get("until", ""))
        except ValueError:
            raise LinkError("This link is not complete. Open the episode's page again.") from None
        named = query.get("user", "")
        expected = self._signature(clip, named, until)
        if not hmac.compare_digest(expected.encode(), query.get("sign", "").encode()):
            raise LinkError("This link was changed. Open the episode's page again.")
        if until < now_s:
            raise LinkError("This link has run out. Open the episode's page again.")
        if user is None or named != user:
            raise LinkError("This link belongs to somebody else. Open the episode's page yourself.")

    def _signature(self, clip: Clip, user: str, until: int) -> str:
        text = f"{clip.kind}\n{clip.episode_id}\n{clip.stream_id}\n{until}\n{quote(user)}"
        return hmac.digest(self.key, text.encode(), "sha256").hex()


def playable(file: str | Path | None) -> bool:
    """True where a browser can be expected to play the file's container."""
    return file is not None and Path(file).suffix.lower() in PLAYABLE


def media_type(file: Path) -> str:
    """The media type to send a file as."""
    known = PLAYABLE.get(file.suffix.lower())
    return known or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def inside(file: Path, folders: Iterable[Path]) -> Path | None:
    """The file with its links followed, where it is a file below one of the folders; else None."""
    real = file.resolve()
    if real.is_file() and any(real.is_relative_to(folder.resolve()) for folder in folders):
        return real
    return None
