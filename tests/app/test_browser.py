"""A real browser at a real server: every page over the example operation, and the sign-in."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from films import film
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)
from provider import provider_at

from dailies.access import PAGES
from dailies.config import Config
from dailies.database import open_record
from jobs.entry import enter
from jobs.example import build_history
from jobs.screening import screen
from jobs.serve import command, free_port
from quality.policy import Policy

CHROMIUM = Path(os.environ.get("DAILIES_TEST_CHROMIUM") or "/usr/bin/chromium")
SHOTS = Path(__file__).resolve().parents[2] / "test-output" / "pages"
SIZES = {"desk": (1440, 1000), "phone": (390, 844)}
PATIENCE_MS = 60_000
PARTS = {
    "tiles": "[data-testid=stMetric]",
    "chart": ".js-plotly-plot .main-svg",
    "table": "[data-testid=stDataFrame]",
}
WITHOUT = {
    "tiles": {"episode", "review", "policy"},
    "chart": {"episode", "review", "queue", "policy"},
    "table": {"review"},
}
Opener = Callable[[str, str], tuple[Page, list[str]]]
"""From a colour scheme and a size to the page, and the errors that its console and network show."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def operation(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The example's history at a twentieth of its size, and a really screened frozen recording."""
    root = tmp_path_factory.mktemp("operation")
    (root / "recordings").mkdir()
    config = Config.of(root / "data", recordings=(root / "recordings",))
    config.data.mkdir()
    record = open_record(config.record)
    history = build_history(record, seed=3, scale=0.05)
    clip = root / "recordings" / "frozen.mp4"
    film(clip, frozen=True)
    with record.begin() as session:
        for one in screen(clip, Policy.load(), store=config.measurements, threads=1):
            number = enter(session, one, site_zones={}, landed_at=one.started_at).episode_id
    record.close()
    (root / "episode").write_text(str(number))
    assert history.episodes > 500
    return config


@contextmanager
def served(config: Config, **environment: str) -> Iterator[str]:
    """The address of a server of the app over a house."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = os.environ | config.to_environment() | {"DAILIES_URL": url} | environment
    root = Path(__file__).resolve().parents[2]
    with (config.data / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(command(port), cwd=root, env=env, stdout=log, stderr=log)
    try:
        await_health(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def await_health(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns once the server answers."""
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"the server did not answer (status {process.poll()})")


@pytest.fixture(scope="module")
def url(operation: Config) -> Iterator[str]:
    with served(operation) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Sets up the browser's one page, which has compiled Streamlit's scripts already."""
    context = browser.contexts[0] if browser.contexts else browser.new_context()
    page = context.pages[0] if context.pages else context.new_page()
    errors: list[str] = []

    def opened(scheme: str, size: str) -> tuple[Page, list[str]]:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        return page, errors

    def note(message: ConsoleMessage) -> None:
        where = message.location["url"]
        # Streamlit looks for its server below a page's own address first, and finds it above
        if message.type == "error" and not where.endswith(("_stcore/health", "host-config")):
            errors.append(f"{message.text} {where}")

    def fail(request: Request) -> None:
        if "127.0.0.1" not in request.url:
            errors.append(request.url)

    heard = {"console": note, "pageerror": lambda error: errors.append(str(error)),
             "requestfailed": fail}  # fmt: skip
    for event, act in heard.items():
        page.on(event, act)  # type: ignore[call-overload]
    yield opened
    for event, act in heard.items():
        page.remove_listener(event, act)
    page.goto("about:blank")


def settle(page: Page) -> None:
    """Returns once the page has stopped running and nothing is left to load."""
    expect(page.locator("h1").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE_MS)
    page.wait_for_timeout(800)


@pytest.mark.parametrize(("scheme", "size"), [("light", "desk"), ("dark", "phone")])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_draws_without_an_error(
    open_page: Opener, url: str, name: str, scheme: str, size: str
) -> None:
    page, errors = open_page(scheme, size)
    page.goto(f"{url}/{name}")
    settle(page)
    expect(page.locator("h1").first).to_contain_text(name.capitalize())
    for part in PARTS:
        if name not in WITHOUT[part]:
            expect(page.locator(PARTS[part]).first).to_be_visible(timeout=PATIENCE_MS)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": SIZES[size][0], "height": min(height, 3000)})
    page.wait_for_timeout(500)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{scheme}-{size}.png")
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_test_id("stAlertContentError").count() == 0
    assert "xample" in page.get_by_test_id("stMain").inner_text()
    assert errors == []


def test_a_moved_limit_shows_what_it_would_change(open_page: Opener, url: str) -> None:
    page, errors = open_page("light", "desk")
    page.goto(f"{url}/policy")
    settle(page)
    page.get_by_role("spinbutton", name="Fail from").fill("2.4")
    page.keyboard.press("Enter")
    for part in ("tiles", "chart", "table"):
        expect(page.locator(PARTS[part]).first).to_be_visible(timeout=PATIENCE_MS)
    settle(page)
    page.screenshot(path=SHOTS / "policy-moved.png", full_page=True)
    assert page.get_by_test_id("stException").count() == 0
    assert errors == []


def test_the_player_plays_steps_and_jumps_to_the_flag(
    open_page: Opener, url: str, operation: Config
) -> None:
    number = (operation.data.parent / "episode").read_text()
    page, errors = open_page("light", "desk")
    page.goto(f"{url}/episode?id={number}")
    settle(page)
    clock = page.locator(".clock")
    expect(clock).to_be_visible(timeout=PATIENCE_MS)
    video = page.locator("video")
    expect(page.locator(".lane .span").first).to_be_attached()
    assert page.locator(".curve path").count() >= 4
    at_start = clock.inner_text()
    page.locator("button.step").click()
    expect(clock).not_to_have_text(at_start)
    page.locator("button.flag").click()
    assert 1.5 < float(clock.inner_text().split()[0]) < 3.0
    page.locator("button.play").click()
    page.wait_for_timeout(1500)
    page.locator("button.play").click()
    assert float(clock.inner_text().split()[0]) > 2.2
    shown = video.evaluate("video => [video.currentTime, video.videoWidth, video.error]")
    assert shown[0] == pytest.approx(float(clock.inner_text().split()[0]), abs=0.2)
    assert shown[1:] == [320, None]
    page.screenshot(path=SHOTS / "episode-player.png")
    assert errors == []


def test_filters_stand_in_the_address_and_last_from_page_to_page(
    open_page: Opener, url: str
) -> None:
    page, _ = open_page("light", "desk")
    page.goto(f"{url}/throughput?period=7+days")
    settle(page)
    chosen = page.get_by_role("combobox", name="Days")
    expect(chosen).to_have_value("7 days", timeout=PATIENCE_MS)
    page.get_by_test_id("stSidebarNav").get_by_text("Quality").last.click()
    expect(page.locator("h1").first).to_contain_text("Quality", timeout=PATIENCE_MS)
    expect(chosen).to_have_value("7 days", timeout=PATIENCE_MS)
    assert "period=7+days" in page.url


def test_typed_days_count_from_enter_and_stand_in_the_address(open_page: Opener, url: str) -> None:
    page, errors = open_page("light", "desk")
    page.goto(f"{url}/throughput?days=2026-01-05,2026-01-25&site=Nowhere")
    settle(page)
    expect(page.get_by_text("There is no site")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("5 Jan 2026 to 25 Jan 2026")).to_be_visible()
    for at, day in ((0, "20260107"), (1, "20260109")):
        page.get_by_test_id("stDateInput").nth(at).get_by_role("spinbutton").first.click()
        page.keyboard.type(day)
        page.keyboard.press("Enter")
        settle(page)
    expect(page.get_by_text("7 Jan 2026 to 9 Jan 2026")).to_be_visible(timeout=PATIENCE_MS)
    assert "days=2026-01-07%2C2026-01-09" in page.url
    expect(page.get_by_text("There is no site")).to_have_count(0)
    # Back takes the last of it back
    page.wait_for_timeout(1000)
    page.go_back()
    expect(page.get_by_text("7 Jan 2026 to 25 Jan 2026")).to_be_visible(timeout=PATIENCE_MS)
    assert errors == []


def test_a_rig_chosen_in_the_chart_narrows_the_page_to_it(open_page: Opener, url: str) -> None:
    page, errors = open_page("light", "desk")
    page.set_viewport_size({"width": 1440, "height": 2400})
    page.goto(f"{url}/quality")
    settle(page)
    rigs = page.locator(".js-plotly-plot").nth(2).locator(".scatterlayer .point")
    expect(rigs.last).to_be_visible(timeout=PATIENCE_MS)
    rigs.last.click(force=True)
    chosen = page.get_by_label("Selected values").filter(has_text="-0")
    expect(chosen).to_have_count(1, timeout=PATIENCE_MS)
    assert errors == []


def test_sign_in_opens_the_pages_of_one_s_role_and_no_other(
    open_page: Opener, operation: Config
) -> None:
    with provider_at(free_port()) as provider:
        provider.claims = {"sub": "anna", "name": "Anna", "roles": ["reviewer"]}
        environment = {
            "DAILIES_OIDC_METADATA_URL": provider.metadata_url,
            "DAILIES_OIDC_CLIENT_ID": "dailies",
            "DAILIES_OIDC_CLIENT_SECRET": "secret",
            "DAILIES_COOKIE_SECRET": "c" * 40,
        }
        with served(operation, **environment) as url:
            page, _ = open_page("light", "desk")
            # the very first request to a fresh server, at a page's own address
            page.goto(f"{url}/cost")
            refusal = page.get_by_text("This page is closed to you")
            expect(refusal).to_be_visible(timeout=PATIENCE_MS)
            assert page.get_by_test_id("stMetric").count() == 0
            assert page.get_by_test_id("stDataFrame").count() == 0
            page.screenshot(path=SHOTS / "closed.png")
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_text("Anna · reviewer")).to_be_visible(timeout=PATIENCE_MS)
            page.goto(f"{url}/quality")
            expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=PATIENCE_MS)
            page.goto(f"{url}/cost")
            expect(refusal).to_be_visible(timeout=PATIENCE_MS)
            assert page.get_by_test_id("stMetric").count() == 0
