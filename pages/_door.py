"""The door of every page: who is there, whether they may come in, and plain words when it fails."""

from __future__ import annotations

import logging
import secrets
import time

import streamlit as st
from sqlalchemy.exc import DBAPIError

from dailies.access import PAGES, Visitor, visitor_of
from pages._ground import ground

log = logging.getLogger("dailies.pages")


def present() -> Visitor:
    """Who is at the page now; asked at each run, since a sign-in grows old."""
    return visitor_of(st.user.to_dict(), ground().sign_in, now_s=time.time())


def demand(page: str) -> Visitor:
    """The visitor, where they may see the page; else the refusal is shown and the run ends here."""
    visitor = present()
    if visitor.may_see(page):
        return visitor
    roles = " or ".join(sorted(PAGES.get(page, ())))
    st.title("This page is closed to you", anchor=False)
    why = visitor.why or "None of your roles opens it."
    st.markdown(f"{why} *{page.capitalize()}* is open to: {roles}.")
    if visitor.id is None:
        st.button("Sign in", type="primary", on_click=st.login, icon=":material/login:")
    else:
        st.markdown("Ask whoever keeps the accounts of your organisation for one of these roles.")
    st.stop()
    raise AssertionError("st.stop() does not return")


def tell_plainly(error: Exception) -> bool:
    """Logs what went wrong under an id and shows the id with what to do; never a stack trace."""
    number = secrets.token_hex(4)
    log.error("error %s on a page", number, exc_info=error)
    if isinstance(error, DBAPIError):
        what = "The record could not be reached."
        todo = "Wait a moment and reload; if it stays so, check DAILIES_RECORD and its disk."
    else:
        what = "This page could not be drawn."
        todo = "Reload, or take filters away; if it stays so, look for this number in the log."
    st.error(f"{what} {todo} Error **{number}**.", icon=":material/error:")
    return True
