"""The command line as a whole: quick to start, documented, and plain about errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

from jobs.cli import app

Dailies = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
HERE = str(Path(__file__).parent)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SHOWN = {name: command for name, command in COMMANDS.items() if not command.hidden}


def test_starting_imports_nothing_heavy() -> None:
    heavy = ["av", "cv2", "numpy", "pyarrow", "sqlalchemy", "duckdb", "streamlit", "pandas"]
    code = f"import sys, jobs.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_commands_are_these() -> None:
    assert set(SHOWN) == {
        "demo",
        "up",
        "serve",
        "intake",
        "screen",
        "judge",
        "import",
        "calibrate",
        "bench",
    }


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_every_command_and_option_is_documented(name: str) -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    assert f"## dailies {name}" in text
    section = text.split(f"## dailies {name}", 1)[1].split("\n## ", 1)[0]
    for parameter in SHOWN[name].params:
        if parameter.param_type_name == "option" and not parameter.hidden:
            assert f"`{parameter.opts[0]}" in section, f"{name} {parameter.opts[0]}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up",), "no folder to watch: say --recordings DIR"),
        (("intake", "--recordings", "/no/such/folder"), "/no/such/folder is no folder"),
        (("judge", "--data", "{tmp}/nothing"), "nothing"),
        (("serve", "--record", "nonsense", "--port", "{taken}"), "is in use by another program"),
        (("serve", "--data", __file__), "is a file: name the folder"),
        (("bench", "nonsense"), "no benchmark 'nonsense': there are screening"),
        (("bench", "nonsense", "--profile"), "no benchmark 'nonsense'"),
        (("import", "{tmp}/absent.csv", "--data", "{tmp}"), "absent.csv"),
        (("judge", "--record", "nonsense"), ""),
        (("screen", "--json", "--csv", "x"), "choose one"),
        (("screen", "--face-model", "/no/such/file", "x"), "give the path of YuNet"),
        (("screen", "--hand-model", __file__, "x"), "holds no model that finds hands"),
        (("screen", "--triage", "--face-model", __file__, "x"), "leave it or the model out"),
        (("up", "--recordings", HERE, "--face-model", __file__), "holds no model that finds"),
        (("intake", "--recordings", HERE, "--hand-model", "/none"), "cannot be read"),
        (("up", "--recordings", "{tmp}"), "name a folder outside"),
        (
            ("intake", "--recordings", HERE, "--data", "/proc/none"),
            "name a folder in which you may",
        ),
        (("serve", "--record", "postgresql://no@127.0.0.1:9/none"), "start the database"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_error_is_one_line_and_status_2(
    dailies: Dailies, arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        given = [one.format(tmp=tmp_path, taken=taken) for one in arguments]
        done = dailies(*given, DAILIES_DATA=str(tmp_path / "data"), DAILIES_RECORDINGS="")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("serving ")]
    assert len(said) == 1, done.stderr


def test_an_unknown_option_is_refused_with_status_2(dailies: Dailies) -> None:
    done = dailies("screen", "--nonsense", "x")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_relative_record_is_below_the_folder_it_was_named_in(tmp_path: Path) -> None:
    from jobs.cli import _absolute

    here = Path.cwd()
    assert _absolute("sqlite:///x/record.sqlite") == f"sqlite:///{here}/x/record.sqlite"
    assert _absolute(f"sqlite:///{tmp_path}/r") == f"sqlite:///{tmp_path}/r"
    assert _absolute("postgresql+psycopg://u@h/d") == "postgresql+psycopg://u@h/d"
    assert _absolute(None) is None
