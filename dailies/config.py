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
    a file of limits, None for the house policy. ``face_model`` and ``hand_model`` are files of
    detectors, None where no faces or hands are looked for.
    """

    data: Path
    record: str
    recordings: tuple[Path, ...] = ()
    policy: Path | None = None
    face_model: Path | None = None
    hand_model: Path | None = None

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
        face_model: Path | None = None,
        hand_model: Path | None = None,
    ) -> Config:
        """The configuration with its defaults: an SQLite record inside the data folder."""
        data = data.expanduser().resolve()
        return cls(
            data=data,
            record=record or f"sqlite:///{data / 'record.sqlite'}",
            recordings=tuple(folder.expanduser().resolve() for folder in recordings),
            policy=policy,
            face_model=face_model.expanduser().resolve() if face_model else None,
            hand_model=hand_model.expanduser().resolve() if hand_model else None,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Config:
        """From DAILIES_DATA, DAILIES_RECORD, DAILIES_RECORDINGS (a path list), DAILIES_POLICY,
        DAILIES_FACE_MODEL and DAILIES_HAND_MODEL.
        """
        env = os.environ if environment is None else environment
        return cls.of(
            Path(env.get("DAILIES_DATA", "dailies-data")),
            record=env.get("DAILIES_RECORD") or None,
            recordings=tuple(
                Path(part) for part in env.get("DAILIES_RECORDINGS", "").split(os.pathsep) if part
            ),
            policy=_path(env, "DAILIES_POLICY"),
            face_model=_path(env, "DAILIES_FACE_MODEL"),
            hand_model=_path(env, "DAILIES_HAND_MODEL"),
        )

    def to_environment(self) -> dict[str, str]:
        """The variables that give a child process this same configuration."""
        variables = {
            "DAILIES_DATA": str(self.data),
            "DAILIES_RECORD": self.record,
            "DAILIES_RECORDINGS": os.pathsep.join(map(str, self.recordings)),
        }
        optional = {
            "DAILIES_POLICY": self.policy,
            "DAILIES_FACE_MODEL": self.face_model,
            "DAILIES_HAND_MODEL": self.hand_model,
        }
        return variables | {name: str(path) for name, path in optional.items() if path}


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    value = environment.get(name)
    return Path(value) if value else None
