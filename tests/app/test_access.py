"""Who is let in, by the claims of their sign-in."""

from __future__ import annotations

import pytest

from dailies.access import LOCAL, PAGES, Role, SignIn, roles_in, visitor_of

NOW = 1_700_000_000.0
SIGN_IN = SignIn("http://idp/.well-known", "id", "secret", "cookie", "http://dailies:8501")
ANNA = {"is_logged_in": True, "sub": "anna", "iat": NOW - 60, "roles": ["reviewer"]}


def test_without_sign_in_everybody_on_the_machine_may_see_every_page() -> None:
    visitor = visitor_of({}, None, now_s=NOW)
    assert visitor == LOCAL
    assert all(visitor.may_see(page) for page in PAGES)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"is_logged_in": False, "sub": "anna", "iat": NOW, "roles": ["manager"]},
        ANNA | {"sub": None},
        ANNA | {"roles": []},
        ANNA | {"roles": None},
        ANNA | {"roles": ["boss"]},
        ANNA | {"iat": None},
        ANNA | {"iat": NOW - SIGN_IN.max_age_s - 1},
        ANNA | {"iat": NOW + 3600},
    ],
    ids=[
        "nobody",
        "out",
        "nameless",
        "no role",
        "no claim",
        "other role",
        "undated",
        "old",
        "future",
    ],
)
def test_a_visitor_without_a_good_sign_in_sees_nothing_and_is_told_why(claims: dict) -> None:
    visitor = visitor_of(claims, SIGN_IN, now_s=NOW)
    assert not any(visitor.may_see(page) for page in PAGES)
    assert visitor.why


def test_a_reviewer_sees_quality_and_not_the_money() -> None:
    visitor = visitor_of(ANNA, SIGN_IN, now_s=NOW)
    assert visitor.id == "anna"
    open_to_anna = {page for page in PAGES if visitor.may_see(page)}
    assert open_to_anna == {"live", "queue", "review", "quality", "episode"}


def test_a_page_nobody_listed_opens_to_nobody() -> None:
    assert not LOCAL.may_see("payroll")


@pytest.mark.parametrize(
    ("claim", "roles"),
    [
        (["manager", "finance"], {Role.MANAGER, Role.FINANCE}),
        ("manager, finance", {Role.MANAGER, Role.FINANCE}),
        ("dailies-engineer", {Role.ENGINEER}),
        (["MANAGER"], {Role.MANAGER}),
        (7, set()),
    ],
)
def test_roles_are_read_from_lists_and_words(claim: object, roles: set[Role]) -> None:
    assert roles_in(claim) == roles


FULL = {
    "DAILIES_OIDC_METADATA_URL": "http://idp/.well-known/openid-configuration",
    "DAILIES_OIDC_CLIENT_ID": "dailies",
    "DAILIES_OIDC_CLIENT_SECRET": "s",
    "DAILIES_COOKIE_SECRET": "c",
    "DAILIES_URL": "https://dailies.example/",
}


def test_sign_in_is_read_from_the_environment() -> None:
    found = SignIn.from_environment(FULL | {"DAILIES_SIGNIN_MAX_HOURS": "2"})
    assert found is not None
    assert found.max_age_s == 7200
    assert found.secrets["auth"]["redirect_uri"] == "https://dailies.example/oauth2callback"
    assert SignIn.from_environment({}) is None


@pytest.mark.parametrize("left_out", sorted(set(FULL) - {"DAILIES_OIDC_METADATA_URL"}))
def test_a_half_configured_sign_in_is_refused_by_name(left_out: str) -> None:
    half = {name: value for name, value in FULL.items() if name != left_out}
    with pytest.raises(ValueError, match=left_out):
        SignIn.from_environment(half)
