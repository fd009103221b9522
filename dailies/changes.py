"""Change numbers, kept by the database's own triggers: no writer can forget them.

Every row's ``change`` is set when the row is inserted or updated, by whatever means, and every row
that goes leaves a tombstone. A reader that remembers how far it has read asks for what is newer.

On SQLite the number comes from a one-row counter. Writers take turns, so numbers become visible in
order, and a reader that has read up to the counter has missed nothing.

On PostgreSQL the number is the writing transaction's id. Transactions may commit in another order
than they began, so a reader must stay behind the oldest one still open: it asks for rows at or
after its *horizon*, and its next horizon is ``pg_snapshot_xmin`` of the snapshot it read in. Rows
between the two may be read twice, and none is skipped.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
    text,
    update,
)

METADATA = MetaData()

COUNTER = Table(
    "change_counter",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column(
        "identity", String(36), nullable=False
    ),  # of this record: a mirror of another starts over
    Column("change", BigInteger, nullable=False),  # the last number given; SQLite only
)
TOMBSTONE = Table(
    "tombstone",
    METADATA,
    Column("table_name", String(64), nullable=False),
    Column("row_id", String(64), nullable=False),
    Column("change", BigInteger, nullable=False, index=True),
)

TOMBSTONES_KEPT = 200_000
"""Tombstones from which on they are forgotten: by then a mirror copies anew about as soon."""


@dataclass(frozen=True)
class Horizon:
    """How far a reader has read, of which record.

    Rows with ``change`` at or above ``change`` are yet to be read. ``snapshot`` is equal for two
    horizons between which nothing was written.
    """

    identity: str
    change: int
    snapshot: str


_SQLITE_START = (
    "INSERT INTO change_counter (id, identity, change) VALUES (1, lower(hex(randomblob(16))), 0)",
)

# The WHEN tells a writer's update from the trigger's own, which moves the number to the counter's.
# It holds with recursive_triggers on and off, and where a writer writes to `change` himself.
_SQLITE_TABLE = (
    """
CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN
    UPDATE change_counter SET change = change + 1;
    UPDATE {table} SET change = (SELECT change FROM change_counter) WHERE id IS NEW.id;
END""",
    """
CREATE TRIGGER {table}_updated AFTER UPDATE ON {table}
WHEN NEW.change IS OLD.change OR NEW.change IS NOT (SELECT change FROM change_counter) BEGIN
    UPDATE change_counter SET change = change + 1;
    UPDATE {table} SET change = (SELECT change FROM change_counter) WHERE id IS NEW.id;
END""",
    """
CREATE TRIGGER {table}_renamed AFTER UPDATE OF id ON {table} WHEN NEW.id IS NOT OLD.id BEGIN
    UPDATE change_counter SET change = change + 1;
    INSERT INTO tombstone (table_name, row_id, change)
    VALUES ('{table}', OLD.id, (SELECT change FROM change_counter));
END""",
    """
CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN
    UPDATE change_counter SET change = change + 1;
    INSERT INTO tombstone (table_name, row_id, change)
    VALUES ('{table}', OLD.id, (SELECT change FROM change_counter));
END""",
)

_POSTGRES_START = (
    "INSERT INTO change_counter (id, identity, change) VALUES (1, gen_random_uuid()::text, 0)",
    """
CREATE FUNCTION dailies_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.change := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$""",
    """
CREATE FUNCTION dailies_bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tombstone (table_name, row_id, change)
    VALUES (TG_TABLE_NAME, OLD.id::text, pg_current_xact_id()::text::bigint);
    RETURN NULL;
END $$""",
    """
CREATE FUNCTION dailies_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE change_counter SET identity = gen_random_uuid()::text;
    RETURN NULL;
END $$""",
)

_POSTGRES_TABLE = (
    """
CREATE TRIGGER {table}_changed BEFORE INSERT OR UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION dailies_change()""",
    """
CREATE TRIGGER {table}_renamed AFTER UPDATE OF id ON {table}
FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION dailies_bury()""",
    """
CREATE TRIGGER {table}_deleted AFTER DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION dailies_bury()""",
    """
CREATE TRIGGER {table}_emptied AFTER TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION dailies_emptied()""",
)


def start(connection: Connection) -> None:
    """Gives the record its identity and its counter, once, when the tables are new."""
    postgres = connection.dialect.name == "postgresql"
    for statement in _POSTGRES_START if postgres else _SQLITE_START:
        connection.exec_driver_sql(statement)


def follow(connection: Connection, table: str) -> None:
    """Puts the triggers on one table, which must have a primary key ``id`` and a ``change``.

    To be called by the migration that creates the table, and again by one that rebuilds it, since
    SQLite drops a table's triggers with it.
    """
    postgres = connection.dialect.name == "postgresql"
    for statement in _POSTGRES_TABLE if postgres else _SQLITE_TABLE:
        connection.exec_driver_sql(statement.format(table=table))


def prune(connection: Connection, *, most: int = TOMBSTONES_KEPT) -> int:
    """Forgets all tombstones once they are more than ``most``; how many it forgot.

    The record takes a new identity in the same transaction, so that every mirror, however far it
    has read, copies everything anew, and none can miss a deletion that it had yet to read of. What
    is being deleted by a transaction that is still open leaves its tombstones afterwards as ever.
    """
    count = connection.execute(select(func.count()).select_from(TOMBSTONE)).scalar_one()
    if count <= most:
        return 0
    connection.execute(delete(TOMBSTONE))
    connection.execute(update(COUNTER).values(identity=str(uuid.uuid4())))
    return int(count)


def horizon(connection: Connection) -> Horizon:
    """How far one has read when one reads in this transaction. Must be its first statement."""
    if connection.dialect.name == "postgresql":
        found = connection.execute(
            text(
                "SELECT identity, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                " pg_current_snapshot()::text FROM change_counter"
            )
        ).one()
        return Horizon(*found)
    identity, change = connection.execute(text("SELECT identity, change FROM change_counter")).one()
    return Horizon(identity, change + 1, str(change))
