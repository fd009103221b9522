"""Signed links: what they open, and what they do not."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from dailies.clips import Clip, LinkError, Signer, inside, media_type, playable

NOW = 1_700_000_000.0
CLIP = Clip("video", 7, 3)
SIGNER = Signer.of("a secret")


def query_of(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def test_a_link_opens_its_clip_for_its_user() -> None:
    link = SIGNER.link(CLIP, "anna b", now_s=NOW)
    assert link.startswith("/clips/video/7/3?")
    SIGNER.check(CLIP, query_of(link), user="anna b", now_s=NOW)


@pytest.mark.parametrize(
    ("clip", "user", "later_s", "says"),
    [
        (Clip("video", 8, 3), "anna", 0, "changed"),
        (Clip("video", 7, 4), "anna", 0, "changed"),
        (Clip("still", 7, 3), "anna", 0, "changed"),
        (CLIP, "bert", 0, "somebody else"),
        (CLIP, None, 0, "somebody else"),
        (CLIP, "anna", 5 * 3600, "run out"),
    ],
)
def test_a_link_opens_nothing_else(clip: Clip, user: str, later_s: int, says: str) -> None:
    query = query_of(SIGNER.link(CLIP, "anna", now_s=NOW))
    with pytest.raises(LinkError, match=says):
        SIGNER.check(clip, query, user=user, now_s=NOW + later_s)


@pytest.mark.parametrize("change", [{"user": "bert"}, {"until": "1900000000"}, {"sign": "é"}])
def test_a_changed_link_is_refused(change: dict[str, str]) -> None:
    query = query_of(SIGNER.link(CLIP, "anna", now_s=NOW)) | change
    with pytest.raises(LinkError, match="changed"):
        SIGNER.check(CLIP, query, user=query["user"], now_s=NOW)


def test_a_link_without_an_end_is_refused() -> None:
    with pytest.raises(LinkError, match="not complete"):
        SIGNER.check(CLIP, {"user": "anna"}, user="anna", now_s=NOW)


def test_servers_that_share_a_secret_take_each_others_links() -> None:
    query = query_of(Signer.of("a secret").link(CLIP, "anna", now_s=NOW))
    SIGNER.check(CLIP, query, user="anna", now_s=NOW)
    with pytest.raises(LinkError):
        Signer.of(None).check(CLIP, query, user="anna", now_s=NOW)


def test_a_page_drawn_again_gives_the_same_link() -> None:
    assert SIGNER.link(CLIP, "anna", now_s=NOW) == SIGNER.link(CLIP, "anna", now_s=NOW + 2)


def test_only_files_below_the_folders_are_served(tmp_path: Path) -> None:
    house, outside = tmp_path / "house", tmp_path / "outside"
    for folder in (house, outside):
        folder.mkdir()
        (folder / "a.mp4").write_bytes(b"x")
    (house / "link.mp4").symlink_to(outside / "a.mp4")
    assert inside(house / "a.mp4", [house]) == house / "a.mp4"
    assert inside(house / "link.mp4", [house]) is None
    assert inside(house / ".." / "outside" / "a.mp4", [house]) is None
    assert inside(house, [house]) is None
    assert inside(house / "b.mp4", [house]) is None


def test_containers_that_browsers_refuse_are_known() -> None:
    assert playable("a.MP4")
    assert playable("a.webm")
    assert not playable("a.avi")
    assert not playable(None)
    assert media_type(Path("a.mov")) == "video/mp4"
    assert media_type(Path("a.jpg")) == "image/jpeg"
