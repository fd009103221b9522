"""Where things lie: read once from the environment, handed on as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """``data`` holds all that Dailies writes; ``record`` is the record's SQLAlchemy URL.

    ``recordings`` are the watched folders, outside which the player serves no file. ``policy`` is
    a file of limits, None for the house policy.
    """

    data: Path
    record: str
    recordings: tuple[Path, ...] = ()
    policy: Path | None = None

    @property
    def measurements(self) -> Path:
        """Folder of the stored curves, one folder an episode."""
        return self.data / "measurements"

    @classmethod
    def of(
        cls,
        data: Path,
        *,
        record: str | None = None,
        recordings: tuple[Path, ...] = (),
        policy: Path | None = None,
    ) -> Config:
        """The configuration with its defaults: an SQLite record inside the data folder."""
        data = data.expanduser().resolve()
        return cls(
            data=data,
            record=record or f"sqlite:///{data / 'record.sqlite'}",
            recordings=tuple(folder.expanduser().resolve() for folder in recordings),
            policy=policy,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Config:
        """From DAILIES_DATA, DAILIES_RECORD, DAILIES_RECORDINGS (a path list), DAILIES_POLICY."""
        env = os.environ if environment is None else environment
        policy = env.get("DAILIES_POLICY")
        return cls.of(
            Path(env.get("DAILIES_DATA", "dailies-data")),
            record=env.get("DAILIES_RECORD") or None,
            recordings=tuple(
                Path(part) for part in env.get("DAILIES_RECORDINGS", "").split(os.pathsep) if part
            ),
            policy=Path(policy) if policy else None,
        )

    def to_environment(self) -> dict[str, str]:
        """The variables that give a child process this same configuration."""
        variables = {
            "DAILIES_DATA": str(self.data),
            "DAILIES_RECORD": self.record,
            "DAILIES_RECORDINGS": os.pathsep.join(map(str, self.recordings)),
        }
        return variables | ({"DAILIES_POLICY": str(self.policy)} if self.policy else {})
