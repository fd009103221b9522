"""Who may see what: a visitor's roles, from the claims of the sign-in, and what each page needs."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class Role(enum.StrEnum):
    """What a person does with Dailies. One person may have several."""

    MANAGER = "manager"
    REVIEWER = "reviewer"
    LEAD = "lead"  # of reviewers
    FINANCE = "finance"
    ENGINEER = "engineer"


EVERY_ROLE = frozenset(Role)

PAGES: Mapping[str, frozenset[Role]] = {
    "live": EVERY_ROLE,
    "throughput": frozenset({Role.MANAGER, Role.FINANCE, Role.ENGINEER}),
    "workers": frozenset({Role.MANAGER, Role.FINANCE}),
    "queue": frozenset({Role.REVIEWER, Role.LEAD, Role.MANAGER}),
    "review": frozenset({Role.REVIEWER, Role.LEAD}),
    "quality": frozenset({Role.MANAGER, Role.REVIEWER, Role.LEAD, Role.ENGINEER}),
    "episode": EVERY_ROLE,
    "reviewers": frozenset({Role.MANAGER, Role.LEAD}),
    "policy": frozenset({Role.LEAD, Role.ENGINEER}),
    "cost": frozenset({Role.MANAGER, Role.FINANCE}),
}
"""Each page, and the roles that open it. A page that is not here opens to nobody."""

DEFAULT_MAX_AGE_S = 12 * 3600
CLOCK_SKEW_S = 60


@dataclass(frozen=True)
class SignIn:
    """An OpenID Connect provider, and how its claims are read.

    ``url`` is where people reach this Dailies. ``role_claim`` names the claim with the roles: a
    list, or words with spaces or commas between them; a role may stand there as ``manager`` or as
    ``dailies-manager``. A sign-in is good for ``max_age_s`` from its ``iat``: the cookie itself
    would last 30 days.
    """

    metadata_url: str
    client_id: str
    client_secret: str
    cookie_secret: str
    url: str
    role_claim: str = "roles"
    max_age_s: int = DEFAULT_MAX_AGE_S

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> SignIn | None:
        """From DAILIES_OIDC_METADATA_URL and the other variables; None where that one is not set.

        Raises ValueError where some are set and others missing: a sign-in that is half configured
        must not leave the house open.
        """
        env = os.environ if environment is None else environment
        needed = {
            "metadata_url": "DAILIES_OIDC_METADATA_URL",
            "client_id": "DAILIES_OIDC_CLIENT_ID",
            "client_secret": "DAILIES_OIDC_CLIENT_SECRET",
            "cookie_secret": "DAILIES_COOKIE_SECRET",
            "url": "DAILIES_URL",
        }
        given = {field: env.get(name, "") for field, name in needed.items()}
        if not any(env.get(name) for name in needed.values() if name.startswith("DAILIES_OIDC")):
            return None
        missing = [needed[field] for field, value in given.items() if not value]
        if missing:
            raise ValueError(f"sign-in is half configured: set {', '.join(missing)} too")
        hours = float(env.get("DAILIES_SIGNIN_MAX_HOURS") or DEFAULT_MAX_AGE_S / 3600)
        claim = env.get("DAILIES_ROLE_CLAIM") or "roles"
        return cls(**given, role_claim=claim, max_age_s=round(hours * 3600))

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        """The ``auth`` section that the web framework wants for OpenID Connect."""
        return {
            "auth": {
                "redirect_uri": f"{self.url.rstrip('/')}/oauth2callback",
                "cookie_secret": self.cookie_secret,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "server_metadata_url": self.metadata_url,
            }
        }


@dataclass(frozen=True)
class Visitor:
    """Somebody at a page: ``id`` binds what is signed for them; ``why`` says what they lack."""

    id: str | None
    name: str
    roles: frozenset[Role]
    why: str = ""

    def may_see(self, page: str) -> bool:
        """True where one of the visitor's roles opens the page."""
        return bool(self.roles & PAGES.get(page, frozenset()))


LOCAL = Visitor("local", "this machine", EVERY_ROLE)
"""Everybody, where no sign-in is configured: the server listens to its own machine only."""


def visitor_of(claims: Mapping[str, Any], sign_in: SignIn | None, *, now_s: float) -> Visitor:
    """The visitor with these claims (empty: nobody signed in), at ``now_s`` seconds since 1970."""
    if sign_in is None:
        return LOCAL
    subject = claims.get("sub") or claims.get("email")
    if not claims.get("is_logged_in") or not subject:
        return Visitor(None, "", frozenset(), "You are not signed in.")
    name = str(claims.get("name") or claims.get("email") or subject)
    issued = claims.get("iat")
    if (
        not isinstance(issued, int | float)
        or not -CLOCK_SKEW_S <= now_s - issued <= sign_in.max_age_s
    ):
        return Visitor(None, name, frozenset(), "Your sign-in is too old. Sign in again.")
    roles = roles_in(claims.get(sign_in.role_claim))
    return Visitor(str(subject), name, roles, "" if roles else "Your account has no role here.")


def roles_in(claim: object) -> frozenset[Role]:
    """The roles that a claim names; words that are no role are passed over."""
    words: Iterable[object] = ()
    if isinstance(claim, str):
        words = claim.replace(",", " ").split()
    elif isinstance(claim, Iterable):
        words = claim
    names = {str(word).lower().removeprefix("dailies-") for word in words}
    return frozenset(role for role in Role if role.value in names)
