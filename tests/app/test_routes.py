"""The routes beside the pages, asked as a browser or Prometheus asks them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from app import Closed, clip_route, health_route, metrics_route
from dailies.clips import Clip
from dailies.config import Config
from dailies.record import Stream
from metrics.episodes import episode_streams
from pages._ground import ground, mirror

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client(on_house: Config) -> Iterator[TestClient]:
    assert on_house.recordings
    routes = [
        Route("/metrics", metrics_route),
        Route("/healthz", health_route),
        Route("/clips/{kind:str}/{episode:int}/{stream:int}", clip_route),
        Route("/_stcore/metrics", metrics_route),
    ]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(Closed)])) as client:
        yield client


def link(kind: str = "video", user: str = "local", **other: float) -> str:
    (camera,) = (one for one in episode_streams(mirror(), 1) if one.kind == "video")
    clip = Clip(kind, 1, camera.stream_id)
    return ground().signer.link(clip, user, now_s=other.get("now_s", time.time()))


def test_the_app_has_these_very_routes() -> None:
    from app import app

    ours = {route.path: route.endpoint for route in app._user_routes}  # type: ignore[attr-defined]
    assert ours == {
        "/metrics": metrics_route,
        "/healthz": health_route,
        "/clips/{kind:str}/{episode:int}/{stream:int}": clip_route,
    }


def test_metrics_are_prometheus_text(client: TestClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "dailies_" in answer.text
    assert "w-1" not in answer.text


def test_streamlit_s_own_metrics_are_closed(client: TestClient) -> None:
    assert client.get("/_stcore/metrics").status_code == 404
    assert client.get("/_stcore/metrics/").status_code == 404


def test_health_says_that_the_record_answers(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["record"] == "reachable"
    assert answer.json()["mirror_age_s"] < 5


def test_health_fails_where_the_record_is_gone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("disk gone")

    monkeypatch.setattr("dailies.database.Record.read", refuse)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "disk gone" not in answer.text


def test_a_clip_comes_whole_or_in_part(client: TestClient, house: Config) -> None:
    whole = (house.recordings[0] / "frozen.mp4").read_bytes()
    answer = client.get(link())
    assert answer.content == whole
    assert answer.headers["content-type"] == "video/mp4"
    part = client.get(link(), headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole[10:20]


def test_a_still_is_a_jpeg(client: TestClient) -> None:
    answer = client.get(link("still"))
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda url: url.replace("sign=", "sign=0"), 403),
        (lambda url: url.replace("/1/", "/2/"), 403),
        (lambda url: url.replace("user=local", "user=anna"), 403),
        (lambda url: url.split("?")[0], 403),
        (lambda url: url.replace("/video/", "/data/"), 403),
    ],
)
def test_a_clip_without_a_good_link_is_refused(client: TestClient, change, status: int) -> None:
    assert client.get(change(link())).status_code == status


def test_a_link_of_yesterday_and_one_of_somebody_else_are_refused(client: TestClient) -> None:
    assert client.get(link(now_s=time.time() - 86_400)).status_code == 403
    assert client.get(link(user="anna")).status_code == 403


@pytest.mark.parametrize("where", ["data", "outside"])
def test_a_file_that_is_no_recording_is_never_served(
    client: TestClient, house: Config, tmp_path: Path, where: str
) -> None:
    outside = tmp_path / "private.mp4"
    outside.write_bytes(b"private")
    file = house.data / "record.sqlite" if where == "data" else outside
    with ground().record.begin() as session:
        stream = Stream(episode_id=1, name=where, kind="video", count=1, file=str(file))
        session.add(stream)
        session.flush()
        number = stream.id
    try:
        ground().mirror.refresh()
        url = ground().signer.link(Clip("video", 1, number), "local", now_s=time.time())
        answer = client.get(url)
        assert answer.status_code == 404
        assert b"private" not in answer.content
    finally:
        with ground().record.begin() as session:
            session.delete(session.get(Stream, number))


def test_every_page_is_imported_before_streamlit_puts_pages_first_on_the_path() -> None:
    code = "import app, sys; app.warm_up(); print(*[m for m in sys.modules if m[:6] == 'pages.'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    files = {file.stem for file in (ROOT / "pages").glob("[a-z]*.py")}
    assert {f"pages.{name}" for name in files} <= set(done.stdout.split())
