"""Every file of pages/: nothing happens at import, and a page's first statement is its door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dailies.access import PAGES

FOLDER = Path(__file__).resolve().parents[2] / "pages"
SCREENS = sorted(file for file in FOLDER.glob("*.py") if not file.name.startswith("_"))
FILES = sorted(FOLDER.rglob("*.py"))
HARMLESS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def calls_demand(statement: ast.stmt, page: str) -> bool:
    call = getattr(statement, "value", None)
    return (
        isinstance(call, ast.Call)
        and ast.unparse(call.func) == "demand"
        and ast.unparse(call) == f"demand('{page}')"
    )


def test_every_screen_is_listed_with_its_roles() -> None:
    assert {file.stem for file in SCREENS} == set(PAGES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_does_nothing_at_import(file: Path) -> None:
    body = ast.parse(file.read_text("utf-8")).body
    does = [one for one in body if not isinstance(one, HARMLESS) and not is_docstring(one)]
    if file.name == "_router.py":
        assert [ast.unparse(one) for one in does] == ["main()"]
    else:
        assert does == []


@pytest.mark.parametrize("file", SCREENS, ids=lambda file: file.stem)
def test_a_page_demands_its_role_first(file: Path) -> None:
    functions = [
        one for one in ast.parse(file.read_text("utf-8")).body if isinstance(one, ast.FunctionDef)
    ]
    (page,) = (one for one in functions if one.name == "page")
    first = next(one for one in page.body if not is_docstring(one))
    assert calls_demand(first, file.stem)


def test_the_old_multipage_mode_finds_no_folder_of_pages_beside_the_script() -> None:
    assert not (FOLDER / "pages").exists()
