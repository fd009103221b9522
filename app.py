"""The ASGI application: the pages, and the routes beside them (/metrics, /healthz, /clips).

``streamlit run app.py`` starts it, and so does ``uvicorn app:app``. The script of the pages lies in
``pages/`` so that Streamlit's old multipage mode, which would run a page's file past the sign-in,
finds no folder of pages beside it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import streamlit as st
from sqlalchemy import text
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dailies.access import SignIn, visitor_of
from dailies.clips import Clip, LinkError, inside, media_type
from metrics.exporter import exposition
from pages._cookie import claims_in
from pages._door import tell_plainly
from pages._ground import ground, leave, mirror
from pages._pictures import file_of

log = logging.getLogger("dailies.app")


def metrics_route(request: Request) -> Response:
    """What Prometheus reads."""
    body, kind = exposition(mirror(), request.headers.get("accept", ""))
    return Response(body, headers={"content-type": kind})


def health_route(_: Request) -> Response:
    """Whether the record can be reached and how old the mirror is; 503 where it cannot."""
    standing = ground()
    try:
        with standing.record.read() as session:
            session.execute(text("SELECT 1"))
        standing.mirror.follow()
    except Exception:
        log.exception("the record cannot be reached")
        return JSONResponse({"status": "failing", "record": "unreachable"}, status_code=503)
    age = round(standing.mirror.age_s, 3)
    return JSONResponse({"status": "ok", "record": "reachable", "mirror_age_s": age})


def clip_route(request: Request) -> Response:
    """A stream's pictures, or part of them (range requests), to whom the link was signed for."""
    standing = ground()
    clip = Clip(
        request.path_params["kind"], request.path_params["episode"], request.path_params["stream"]
    )
    now_s = time.time()
    visitor = visitor_of(claims_in(request.cookies), standing.sign_in, now_s=now_s)
    try:
        standing.signer.check(clip, request.query_params, user=visitor.id, now_s=now_s)
        if not visitor.may_see("episode"):
            raise LinkError("None of your roles opens recordings.")
    except LinkError as refusal:
        return PlainTextResponse(str(refusal), status_code=403)
    file = file_of(mirror(), standing.config, clip)
    allowed = (standing.config.data, *standing.config.recordings)
    real = inside(file, allowed) if file else None
    if real is None:
        gone = "This recording is gone, or lies outside the folders that DAILIES_RECORDINGS names."
        return PlainTextResponse(gone, status_code=404)
    headers = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}
    return FileResponse(real, media_type=media_type(real), headers=headers)


class Closed:
    """Answers 404 where Streamlit would show its own inner metrics to everybody."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else on."""
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith("/_stcore/metrics"):
            await PlainTextResponse("Not here.", status_code=404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


@contextlib.asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Open the record and fill the mirror before anybody comes, and spare the collector the rest.

    A full collection after each run of a page would walk over all that was ever imported; frozen,
    it takes a fifth of the time.
    """
    await anyio.to_thread.run_sync(ground)
    await anyio.to_thread.run_sync(warm_up)
    gc.collect()
    gc.freeze()
    yield
    leave()


def warm_up() -> None:
    """Import what the first visitor would wait for.

    Every page must be among it: Streamlit puts ``pages/`` first among the places to import from,
    where review.py and quality.py would then be taken for the rooms of these names.
    """
    import pandas  # noqa: F401
    import plotly.graph_objects as go

    go.Figure(go.Scatter(x=[0], y=[0])).to_json()
    for file in (Path(__file__).resolve().parent / "pages").glob("[a-z]*.py"):
        importlib.import_module(f"pages.{file.stem}")


sign_in = SignIn.from_environment()

app = st.App(
    Path(__file__).resolve().parent / "pages" / "_router.py",
    secrets=sign_in.secrets if sign_in else None,  # type: ignore[arg-type]
    lifespan=lifespan,
    routes=[
        Route("/metrics", metrics_route),
        Route("/healthz", health_route),
        Route("/clips/{kind:str}/{episode:int}/{stream:int}", clip_route),
    ],
    middleware=[Middleware(Closed)],
    on_script_error=tell_plainly,
)
