"""The record's schema, version by version. Run by ``dailies.database.open_record``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection


def configuration() -> Config:
    """Alembic's configuration, made here: there is no alembic.ini to be lost."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def newest() -> str | None:
    """The newest version that this program knows."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(connection: Connection) -> None:
    """Brings the schema up to the newest version, in the caller's transaction.

    Raises RecordUnusable for a record that a newer program has changed.
    """
    from dailies.database import RecordUnusable

    config = configuration()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError) or "Can't locate" in str(error):
            raise RecordUnusable(
                f"this record was changed by a newer Dailies ({error}): update this one"
            ) from error
        raise
