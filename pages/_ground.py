"""What all pages and routes of one process stand on: configuration, record, mirror, signatures."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from dailies.access import SignIn
from dailies.clips import Signer
from dailies.config import Config
from dailies.database import Record, open_record
from dailies.mirror import Mirror


@dataclass(frozen=True)
class Ground:
    """One of these a process; ``sign_in`` is None where everybody on this machine is let in."""

    config: Config
    record: Record
    mirror: Mirror
    sign_in: SignIn | None
    signer: Signer
    opened_s: float

    @classmethod
    def open(cls, config: Config, sign_in: SignIn | None) -> Ground:
        """Opens the record (made where it is not there yet) and a first mirror of it."""
        config.data.mkdir(parents=True, exist_ok=True)
        record = open_record(config.record)
        mirror = Mirror(record)
        mirror.refresh()
        signer = Signer.of(sign_in.cookie_secret if sign_in else None)
        return cls(config, record, mirror, sign_in, signer, time.time())


_lock = threading.Lock()
_standing: list[Ground] = []


def ground() -> Ground:
    """The process's ground, opened from the environment when first asked for."""
    with _lock:
        if not _standing:
            _standing.append(Ground.open(Config.from_environment(), SignIn.from_environment()))
        return _standing[0]


def mirror() -> Mirror:
    """The process's mirror, not older than a second."""
    standing = ground().mirror
    standing.follow()
    return standing


def leave() -> None:
    """Forget the ground, so that the next one is opened from the environment as it is then."""
    with _lock:
        for standing in _standing:
            standing.record.engine.dispose()
        _standing.clear()
