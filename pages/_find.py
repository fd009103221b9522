"""Finding one episode: by its number, or by a part of its path."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from metrics import episodes
from pages import _tables as tables
from pages._ground import mirror
from pages._words import recording_words

BOX = "find_episode"
LISTED = 100
NUMBER = re.compile(r"[0-9]{1,15}")


def box() -> None:
    """Where a number or a path is typed; the page's address then names what was found."""
    st.text_input(
        "Find an episode",
        key=BOX,
        placeholder="Find: number, or part of a path",
        label_visibility="collapsed",
        max_chars=500,
        on_change=_find,
    )


def _find() -> None:
    text = str(st.session_state[BOX]).strip().removeprefix("#")
    if not text:
        return
    st.session_state[BOX] = ""
    ones = () if NUMBER.fullmatch(text) else episodes.episodes_found(mirror(), text, limit=2)
    for name in ("id", "find"):
        st.query_params.pop(name, None)
    if len(ones) == 1:
        st.query_params["id"] = str(ones[0].episode_id)
    else:
        st.query_params["id" if NUMBER.fullmatch(text) else "find"] = text


def found(text: str) -> None:
    """The episodes whose path holds a text; a row opens its episode."""
    ones = episodes.episodes_found(mirror(), text, limit=LISTED + 1)
    quoted = f"`{text.replace('`', ' ')[:100]}`"
    if not ones:
        st.warning(f"No episode has {quoted} in its path.", icon=":material/search:")
        return
    every = f"The newest {LISTED}" if len(ones) > LISTED else f"{len(ones)}"
    st.subheader("Found", anchor=False)
    st.caption(f"{every} with {quoted} in the path, whatever the filters")
    _rows(ones[:LISTED])


def _rows(ones: Sequence[episodes.EpisodeFound]) -> None:
    names = ("episode_id", "worked_on", "task_id", "site_id", "rig_id", "worker_id", "duration_s")
    row = tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {"recording": [recording_words(one.path, one.episode_index) for one in ones]},
        {
            "episode_id": st.column_config.NumberColumn("Episode", format="%d"),
            "recording": tables.text("Recording", width="medium"),
            **tables.take_columns(),
        },
        key="found",
        opens=True,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)
