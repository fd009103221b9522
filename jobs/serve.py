"""Starting the app: Streamlit's own command, on this machine only unless told otherwise."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import sys
from pathlib import Path

from dailies.config import Config

ROOT = Path(__file__).resolve().parents[1]
"""Where app.py and the configuration of its looks lie."""

PARENT = "DAILIES_PARENT"
"""Variable that asks a process to end when the process of that id does."""


class PortTaken(RuntimeError):
    """The port is another program's; the message says which and what to do."""


def check_port(port: int, address: str = "127.0.0.1") -> None:
    """Raises PortTaken where nothing could listen on ``port``."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    f"port {port} on {address} is in use by another program: stop that one, "
                    f"or choose another with --port {free_port(address)}"
                ) from error
            raise PortTaken(
                f"port {port} on {address} cannot be listened on ({error.strerror}): "
                f"choose another with --port {free_port(address)}"
            ) from error


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def command(port: int, address: str = "127.0.0.1") -> list[str]:
    """The command line that runs the app."""
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *given]


def serve(config: Config, port: int, address: str = "127.0.0.1") -> None:
    """Become the app's server; does not return. Raises PortTaken.

    The process is replaced, so that signals reach the server itself and nothing is left behind.
    """
    check_port(port, address)
    os.environ.update(config.to_environment())
    end_with_parent()
    os.chdir(ROOT)  # where Streamlit looks for the configuration
    line = command(port, address)
    os.execv(line[0], line)


def end_with_parent() -> None:
    """Have the kernel end this process with the one that started it, where PARENT asks for it.

    Holds across exec. Where the system is not Linux, nothing is done.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent or not sys.platform.startswith("linux"):
        return
    set_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)
    if str(os.getppid()) != parent:  # it was gone before we asked
        raise SystemExit(1)
