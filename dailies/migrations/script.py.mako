"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """What this version adds; a new table also needs ``dailies.changes.follow``."""
    ${upgrades if upgrades else "raise NotImplementedError"}
