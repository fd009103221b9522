"""What Prometheus scrapes, collected from the mirror at each scrape. No worker is ever a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dailies.mirror import Mirror


def exposition(mirror: Mirror, accept_header: str) -> tuple[bytes, str]:
    """The exposition and its content type, in the format that ``accept_header`` asks for.

    Blocks while it queries: call it from a plain ``def`` route.
    """
    raise NotImplementedError
