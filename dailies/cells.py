"""Reading the cells of a CSV file: text to a value, or what is wrong with it and the remedy."""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import functools
import math
import re
import zoneinfo
from collections.abc import Callable, Iterable

from dailies.days import UnknownZone, zone_info

Parser = Callable[[str], object]
"""From a cell's text, stripped and not empty, to its value. Raises Wrong."""

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD
    KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV
    WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - a list of 150 literals would fill a page
)
"""ISO 4217 codes of money in use."""

MOST_AN_HOUR = 100_000_000
"""Of any currency; a good wage in the one with the least value is a fifth of it.

A million hours at this price fit the mirror's exact amounts (14 digits before the point).
"""


class Wrong(Exception):
    """What is wrong with a value, and the remedy."""

    def __init__(self, wrong: str, remedy: str) -> None:
        self.wrong = wrong
        self.remedy = remedy
        super().__init__(f"{wrong}: {remedy}")


def did_you_mean(text: str, known: Iterable[str], otherwise: str) -> str:
    """A question with the nearest known word, or ``otherwise`` where none is near."""
    lower = {word.lower(): word for word in known}
    near = difflib.get_close_matches(text.lower(), lower, n=1, cutoff=0.5)
    return f"did you mean {lower[near[0]]!r}?" if near else otherwise


def words(text: str) -> str:
    """Any text."""
    return text


def identifier(text: str) -> str:
    """An id: at most 64 characters, on one line, and no e-mail address."""
    if len(text) > 64:
        raise Wrong(f"has {len(text)} characters", "an id has 64 at most")
    if not text.isprintable():
        raise Wrong("has a line break or control character", "take it out")
    if "@" in text:
        raise Wrong("looks like an e-mail address", "use an id that names nobody")
    return text


def choice(*allowed: str) -> Parser:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise Wrong(
                "is not a known word", did_you_mean(text, allowed, f"use {', '.join(allowed)}")
            )
        return text

    return parse


def zone(text: str) -> str:
    """An IANA time zone."""
    try:
        zone_info(text)
    except UnknownZone:
        raise Wrong(
            "is no IANA time zone", did_you_mean(text, _cities(), "write it as in Europe/Berlin")
        ) from None
    return text


@functools.cache
def _cities() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def currency(text: str) -> str:
    """An ISO 4217 code."""
    if text not in CURRENCIES:
        near = did_you_mean(text, CURRENCIES, "write three letters, as in EUR")
        raise Wrong("is no ISO 4217 currency", near)
    return text


def money(text: str) -> decimal.Decimal:
    """A price of an hour: a decimal point, at most four places, from 0 to ``MOST_AN_HOUR``."""
    if not re.fullmatch(r"-?\d+(\.\d*)?", text, re.ASCII):
        pointed = text.replace(",", ".")
        written = re.fullmatch(r"\d+\.\d{1,2}", pointed, re.ASCII)
        raise Wrong(
            "is no amount", f"write {pointed if written else 'digits and a point, as 12.50'}"
        )
    amount = decimal.Decimal(text)
    if text.startswith("-"):
        raise Wrong("is negative", "an amount is 0 or more")
    if amount > MOST_AN_HOUR:
        remedy = f"an hour costs {MOST_AN_HOUR:,} at most: check the point and the currency"
        raise Wrong("is too much", remedy)
    exact = amount.quantize(decimal.Decimal("0.0001"))
    if exact != amount:
        raise Wrong("has more than four decimal places", f"round it yourself, e.g. to {exact}")
    return exact


def number(least: float, *, above: bool = False) -> Parser:
    """A finite number of at least, or above, ``least``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise Wrong("is no number", "write digits and a point, as 7.5")
        if value < least or (above and value == least):
            raise Wrong("is too small", f"it is {'above' if above else 'at least'} {least:g}")
        return value

    return parse


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise Wrong("is no whole number", "write digits only, as 42")
    return int(text)


def date(text: str) -> dt.date:
    """A day as in 2026-03-29."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise Wrong("is no day of the calendar", "check month and day") from None
    raise Wrong("is no date", "write year-month-day, as in 2026-03-29")


def time(text: str) -> dt.datetime:
    """An instant with its offset, or a time on the site's own clocks (without a zone)."""
    try:
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text, re.ASCII):
            return dt.datetime.fromisoformat(text)
    except ValueError:
        pass
    raise Wrong("is no time", "write it as in 2026-03-29T08:00 or 2026-03-29T08:00+02:00")


def steps(text: str) -> list[str]:
    """The steps of a task, with | between them."""
    return [step.strip() for step in text.split("|") if step.strip()]


def instant(local: dt.datetime, zone_name: str) -> dt.datetime:
    """The instant of a time on the clocks of a zone; one with an offset stays as it is.

    Raises Wrong where clocks were changed, so that the time was there never or twice.
    """
    if local.tzinfo is not None:
        return local.astimezone(dt.UTC)
    first, second = (
        local.replace(tzinfo=zone_info(zone_name), fold=fold).astimezone(dt.UTC) for fold in (0, 1)
    )
    if first == second:
        return first
    remedy = "add the offset, as in +01:00"
    if first.astimezone(zone_info(zone_name)).replace(tzinfo=None) != local:
        raise Wrong(f"never was in {zone_name}, where clocks were put forward then", remedy)
    raise Wrong(f"was twice in {zone_name}, where clocks were put back then", remedy)
