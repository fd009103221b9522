"""Policies in the record: saved versions, which one is in force, and limits as metrics take them.

A policy is saved with a note and never changed: other limits are another version. What is in force
is the file that --policy or DAILIES_POLICY names; without one, the version that was last put in
force; without any, the house's.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from dailies.config import Config
from dailies.database import Record
from dailies.record import PolicyUse, PolicyVersion
from metrics.policy import Limit
from quality.checks import BY_NAME
from quality.policy import Policy, PolicyError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,54}")


def in_force(session: Session, config: Config) -> Policy:
    """The policy under which recordings are judged now. Raises PolicyError."""
    if config.policy is not None:
        return Policy.load(config.policy)
    version = last_put_in_force(session)
    if version is None:
        return Policy.load()
    text = session.scalar(select(PolicyVersion.text).where(PolicyVersion.version == version))
    return Policy.parse(str(text), Path(f"policy {version} of the record"))


def last_put_in_force(session: Session) -> str | None:
    """The version that was last put in force; None where none ever was."""
    return session.scalar(select(PolicyUse.version).order_by(PolicyUse.id.desc()).limit(1))


def save(
    record: Record, config: Config, policy: Policy, *, name: str, note: str, who: str
) -> Policy:
    """Save a policy under a name; it is not in force by that. The same limits are saved once.

    A copy lies in ``<data>/policies/<name>@<hash>.toml``. Raises PolicyError for a name that cannot
    be, or without a note.
    """
    if not NAME.fullmatch(name):
        raise PolicyError(
            f"{name!r} is no name for a policy: use up to 55 letters, digits, dots and dashes"
        )
    if not note.strip():
        raise PolicyError("a policy needs a note: say what was changed, and why")
    text = policy.to_toml(name, note.strip())
    saved = Policy.parse(text)
    with record.begin() as session:
        if session.scalar(select(PolicyVersion.id).where(PolicyVersion.version == saved.id)):
            return saved
        now = dt.datetime.now(dt.UTC)
        row = PolicyVersion(
            version=saved.id, note=note.strip(), text=text, made_by=who, made_at=now
        )
        session.add(row)
    folder = config.data / "policies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{saved.id}.toml").write_text(text, encoding="utf-8")
    return saved


def put_in_force(record: Record, config: Config, version: str, *, who: str) -> None:
    """Have recordings be judged under a saved version from now on; what is judged stays so.

    Raises PolicyError where no such version is saved, or a policy file stands before the record.
    """
    if config.policy is not None:
        raise PolicyError(
            f"the policy file {config.policy} is in force: start Dailies without --policy and "
            "DAILIES_POLICY to choose from the record"
        )
    with record.begin() as session:
        if not session.scalar(select(PolicyVersion.id).where(PolicyVersion.version == version)):
            raise PolicyError(f"no policy {version} is saved: save it first")
        session.add(PolicyUse(version=version, began_at=dt.datetime.now(dt.UTC), begun_by=who))


def keep_house(record: Record, config: Config) -> None:
    """Save the house policy as shipped, so that one can go back to it."""
    policy = Policy.load()
    with record.read() as session:
        if session.scalar(select(PolicyVersion.id).where(PolicyVersion.version == policy.id)):
            return
    save(record, config, policy, name=policy.name, note="As shipped.", who="Dailies")


def judge_command(config: Config) -> list[str]:
    """The command that judges everything again under the policy in force."""
    command = ["dailies", "judge", "--data", str(config.data)]
    if config.record != Config.of(config.data).record:
        command += ["--record", config.record]
    return command


def begin_judging(config: Config) -> Path:
    """Run ``judge_command`` in a process of its own; the file that it writes to."""
    config.data.mkdir(parents=True, exist_ok=True)
    log = config.data / "judge.log"
    root = Path(__file__).resolve().parents[1]
    with log.open("ab") as out:
        subprocess.Popen(
            [sys.executable, "-m", "jobs.cli", "judge"],
            cwd=root,
            env={**os.environ, **config.to_environment(), "PYTHONPATH": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    return log


def limits_of(policy: Policy, *checks: str) -> list[Limit]:
    """The limits of some checks, and what tasks, sites and rigs have instead."""
    rows = []
    for name in checks:
        worse, table = BY_NAME[name].worse, policy.house[name]
        rows.append(Limit(name, worse, table["suspect"], table["fail"]))
        rows += [
            Limit(name, worse, own[name].get("suspect"), own[name].get("fail"), scope, owner)
            for (scope, owner), own in policy.overrides.items()
            if own.get(name, {}).keys() & {"suspect", "fail"}
        ]
    return rows


def moved_checks(before: Policy, after: Policy) -> list[str]:
    """The checks whose limits differ between two policies."""
    return [name for name in BY_NAME if limits_of(before, name) != limits_of(after, name)]
