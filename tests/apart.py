"""Encoding for a test: AV1 in a process of its own."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

LIMIT_S = 45
"""How long one attempt may take; two fit into a test's time."""

Made = TypeVar("Made")


@functools.cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def encoded(codec: str, write: Callable[..., Made], *args: Any) -> Made:
    """What ``write(*args)`` gives; for AV1 from another process, and again where that is stuck.

    SVT-AV1 4.1 now and then waits for ever for its own threads when it is sent a picture (seen
    twice in six test runs; see linuxserver/docker-ffmpeg issue 116). What it encodes here is what
    the tests need, not what they test. Raises TimeoutError when both attempts are stuck.
    """
    if "av1" not in codec:
        return write(*args)
    try:
        return _process().submit(write, *args).result(LIMIT_S)
    except TimeoutError:
        _end()
        return _process().submit(write, *args).result(LIMIT_S)


def _end() -> None:
    for process in list(_process()._processes.values()):
        process.kill()
    _process().shutdown()
    _process.cache_clear()
