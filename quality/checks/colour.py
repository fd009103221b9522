"""Colour that is not the scene's: pictures torn by a decoder, tinted ones, ones without colour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import Flag, Grade
from quality.checks.check import Check, Finder, Limits
from quality.checks.remembered import once
from quality.checks.stretches import Floats, Mask, rolling_median, runs, stay, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures

GREYEST = 1.0
"""Codes from grey under which a camera, or a picture, counts as without colour."""
FADED = 0.25
"""Share of a camera's usual colour under which it is lost where the rest of the picture stays as it
was: an encoder keeps remains of the colour before, of 1.5 to 1.9 codes by x264."""
TINTED = 12.0
"""Codes of tint from which a picture's colour is not the camera's own, and not what is usual."""
OWN = 4.0
"""Codes above a camera's usual tint from which a picture's colour is not its own either."""
STEADY = 0.9
"""Share of the other pictures whose tint must be near the usual one for a leap of it to count."""
LEAP, LEAP_S = 0.6, 0.5
"""Share of the usual colour that there is so near to where it is lost: it does not fade slowly."""
STAYS = 0.1
"""Share by which luma, contrast and texture may change from before to after."""
FULLER = 0.35
"""Share by which colour changes at least where all of the picture is tinted at once (planted casts
2 to 6 times as much, and back; a wrist camera that comes over a coloured thing by 0.3 at most)."""
SHOWS = 0.3
"""Share by which luma and contrast may change where the tint does: what comes so near that all is
of its colour changes both. Of 57 clean recordings no tint moves by over 3 codes in 0.4 s."""


def torn_picture(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which part of the picture (%) is what a decoder shows where it got
    nothing: green blocks, or rows of plain grey. A grey camera's rows may be grey: it is not
    judged.
    """
    for camera in _coloured(measurements):
        share = np.nan_to_num(camera.undrawn_share) * 100
        for stretch in stretches(camera, share >= limits.suspect, join_s=limits["join_s"]):
            measured = float(share[stretch.pictures].max())
            grade = limits.grade(measured)
            if grade:
                what = f"{measured:.0f} % of the picture not drawn for {stretch.seconds:.1f} s"
                limit = limits.limit(grade)
                yield _TORN.flag(grade, camera.name, stretch.span, measured, limit, what)


def colour_cast(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which even the greyest tenth of the picture is far from grey (codes), and
    all of it in one direction: most of the time, for what passes close to the lens does that too,
    or, as suspect, from one moment to the next by ``leap_share`` of the limit where the picture
    goes on.
    """
    for camera in _coloured(measurements):
        tint = _steady_tint(camera, limits["steady_s"])
        tinted, leap = tint >= limits.suspect, limits["leap_share"] * limits.suspect
        if np.mean(tinted) < limits["share"]:
            tinted = _cast_at_once(camera, tint, leap)
        for stretch in stretches(
            camera, tinted, at_least_s=limits["steady_s"], join_s=limits["join_s"]
        ):
            measured = float(tint[stretch.pictures].max())
            grade = limits.grade(measured) or Grade.SUSPECT
            what = f"colours off by {measured:.0f} codes for {stretch.seconds:.1f} s"
            limit = limits.limit(grade) if limits.grade(measured) else leap
            yield _CAST.flag(grade, camera.name, stretch.span, measured, limit, what)


@once
def _steady_tint(camera: Pictures, steady_s: float) -> Floats:
    """Its median over so long, (n,)."""
    width = round(steady_s * (camera.rate_hz or 0.0))
    return np.nan_to_num(rolling_median(camera.tint, width))


def _cast_at_once(camera: Pictures, tint: Floats, leap: float) -> Mask:
    """True where a tint that is steady otherwise is greater by a ``leap``, and got so or lost it at
    once. A camera that passes by things of one colour has no steady tint.
    """
    usual = float(np.median(tint))
    greater = tint >= usual + leap
    if greater.all() or np.quantile(np.abs(tint[~greater] - usual), STEADY) >= leap / 2:
        return np.zeros(camera.count, np.bool_)
    for start, stop in runs(greater).tolist():
        greater[start:stop] = any(_turns(camera, tint, at, leap) for at in (start, stop))
    return np.asarray(greater, dtype=np.bool_)


def _turns(camera: Pictures, tint: Floats, at: int, leap: float) -> bool:
    """Whether the tint leaps around picture ``at``, and not because something covers the rest."""
    near = _near(camera, tint, at)
    leaps = bool(near.max() - near.min() >= leap)
    # where only what was grey goes out of view, the rest is no more coloured than before
    fuller = not stay(camera, (camera.colour,), at, FULLER)
    return leaps and fuller and stay(camera, (camera.luma, camera.contrast), at, SHOWS)


def no_colour(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which a camera that shows colour shows none, or hardly any from one
    moment to the next while the picture stays. The dark and what has no contrast have no colour
    either, and are left to other checks.
    """
    for camera in _coloured(measurements):
        # nor what a cast has added to the greyest things
        known = camera.tint[np.isfinite(camera.tint) & (camera.colour >= GREYEST)]
        least = min(TINTED, float(np.median(known)) + OWN) if len(known) else TINTED
        own = camera.colour[~(camera.tint >= least)]
        usual = float(np.nanpercentile(own if np.isfinite(own).any() else camera.colour, 90))
        if usual < limits["usual"]:
            continue
        seen = (camera.luma > limits["luma"]) & (camera.contrast > limits["contrast"])
        grey = (camera.colour < GREYEST) & seen
        faded = (camera.colour < FADED * usual) & seen
        for start, stop in runs(faded).tolist():
            rest = (camera.luma, camera.contrast, camera.texture)
            grey[start:stop] |= any(
                stay(camera, rest, at, STAYS) and _leaps(camera, at, usual) for at in (start, stop)
            )
        for stretch in stretches(camera, grey, join_s=limits["join_s"]):
            seconds = round(stretch.seconds, 3)
            grade = limits.grade(seconds)
            if grade:
                what = f"without colour for {seconds:.1f} s"
                limit = limits.limit(grade)
                yield _GREY.flag(grade, camera.name, stretch.span, seconds, limit, what)


def _leaps(camera: Pictures, at: int, usual: float) -> bool:
    """Whether colour comes or goes around picture ``at`` from one moment to the next."""
    return bool((_near(camera, camera.colour, at) >= LEAP * usual).any())


def _near(camera: Pictures, curve: Floats, at: int) -> Floats:
    """What a curve is within LEAP_S of picture ``at``."""
    reach = max(round(LEAP_S * (camera.rate_hz or 0.0)), 1)
    return curve[max(at - reach, 0) : at + reach]


def _coloured(measurements: Measurements) -> Iterator[Pictures]:
    """The cameras whose colour was measured, and that show any."""
    return filter(_shows_colour, measurements.cameras)


@once
def _shows_colour(camera: Pictures) -> bool:
    told = len(camera.colour) == camera.count and np.isfinite(camera.colour).any()
    return bool(told and np.nanpercentile(camera.colour, 90) >= GREYEST)


TORN_PICTURE = Check(
    name="torn_picture",
    says="Part of the picture was never drawn: green blocks or grey rows where data was lost.",
    unit="%",
    remedy="Use a shorter or better cable and a port of its own for the camera, and retake.",
    needs=("cameras.undrawn_share", "cameras.colour"),
    function=torn_picture,
    settings=("join_s",),
)
COLOUR_CAST = Check(
    name="colour_cast",
    says="All of the picture is tinted: a wrong white balance, or coloured light.",
    unit="codes",
    remedy="Set the white balance to the room's light and fix it.",
    needs=("cameras.tint", "cameras.luma", "cameras.contrast"),
    function=colour_cast,
    settings=("steady_s", "share", "leap_share", "join_s"),
)
NO_COLOUR = Check(
    name="no_colour",
    says="A camera that shows colour shows none for a while: its night mode, or lost chroma.",
    unit="s",
    remedy="Turn the camera's night mode off, check its cable, and retake.",
    needs=(
        "cameras.colour",
        "cameras.tint",
        "cameras.luma",
        "cameras.contrast",
        "cameras.texture",
    ),
    function=no_colour,
    settings=("usual", "luma", "contrast", "join_s"),
)
_TORN = Finder.of(TORN_PICTURE)
_CAST = Finder.of(COLOUR_CAST)
_GREY = Finder.of(NO_COLOUR)
