"""Draws for every check a hit and a near miss, for docs/checks.md.

Run ``python -m benchmarks.check_pictures [FOLDER]``. Each side is a made recording
(``check_cases``) about which the check itself is asked, under the limits of the house. A hit that
is not flagged is refused, and so is a near miss that is: no picture can say what is not so. The
value under a near miss is the limit up to which the check would flag it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.check_cases import CASES
from benchmarks.check_films import RATE_HZ, unpacked
from benchmarks.check_made import Bar, Case, Curve, Floats, Made, Picture, Side
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME, Check, Limits
from quality.policy import Policy

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "checks"
WIDTH, HEIGHT = 450, 260
"""Of one side; a picture has two."""
TWO = ("suspect", "fail")
TIGHT = 0.95
"""A near miss is asked about down to this share of its limit."""
QUALITY = 82

Colour = tuple[int, int, int]
"""Blue, green, red."""
Scale = tuple[float, float]
ALIKE = 4.0
"""Both sides are drawn on one scale where the larger is up to so many times the smaller."""
INK, GREY, PALE = (50, 45, 40), (130, 125, 120), (225, 222, 218)
RED, GREEN, SHADE = (60, 50, 200), (90, 140, 40), (228, 226, 250)
LINES: tuple[Colour, ...] = ((170, 95, 30), (60, 150, 40), (170, 60, 150))
_FACE = cv2.FontFace("sans")


class NotSo(ValueError):
    """A case whose hit is not flagged, or whose near miss is: mend the case, or the check."""


@dataclass(frozen=True)
class Judged:
    """One side of a case with what its check says of it."""

    side: Side
    made: Made
    flags: tuple[Flag, ...]
    caption: str
    lines: Mapping[str, float]


def main(arguments: list[str]) -> int:
    """Draw all cases into a folder, docs/checks unless one is named."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        content = drawn(case)
        (folder / case.file).write_bytes(content)
        print(f"{case.file:28} {len(content) / 1000:5.0f} kB")
    return 0


def drawn(case: Case) -> bytes:
    """The picture of a case, as it is written. Raises NotSo."""
    both = judged(case)
    scales = _alike([_scale(side) for side in both])
    panels = [_side(case, side, scale) for side, scale in zip(both, scales, strict=True)]
    sides = np.concatenate(panels, axis=1)
    sides[12:-12, WIDTH - 1] = PALE
    if case.ending == "jpg":
        return bytes(cv2.imencode(".jpg", sides, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
    few = np.asarray(np.rint(sides / 17) * 17, np.uint8)  # a third of the size, and looks the same
    return bytes(cv2.imencode(".png", few, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1])


def judged(case: Case) -> tuple[Judged, Judged]:
    """Both sides of a case, asked of the check itself. Raises NotSo."""
    check = BY_NAME[case.check]
    limits = Policy.load().moved(case.check, case.asks).limits_for()[case.check]
    hit, near = (_made(side) for side in (case.hit, case.near))
    flags = _flags(check, hit, limits)
    if not flags:
        raise NotSo(f'{case.check}: "{case.hit.words}" is not flagged: make it stronger')
    if found := _flags(check, near, limits):
        raise NotSo(f'{case.check}: "{case.near.words}" is flagged: {found[0].message}')
    caption = _near_caption(case, check, near, limits)
    lines = {name: line for name, line in case.lines(limits).items() if np.isfinite(line)}
    return (
        Judged(case.hit, hit, flags, _caption(flags), lines),
        Judged(case.near, near, (), caption, lines),
    )


def _made(side: Side) -> Made:
    with tempfile.TemporaryDirectory() as folder:
        return side.make(Path(folder))


def _flags(check: Check, made: Made, limits: Limits) -> tuple[Flag, ...]:
    """What a check finds; that it cannot tell is no finding."""
    found = check.function(made.measurements, limits)
    return tuple(flag for flag in found if flag.grade is not Grade.UNKNOWN)


def _caption(flags: tuple[Flag, ...]) -> str:
    flag = max(flags, key=lambda flag: flag.grade.rank)
    measured = f"{_number(flag.measured)} {flag.unit}"
    return f"{measured}: {flag.grade} (limit {flag.limit:g} {flag.unit})"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _near_caption(case: Case, check: Check, made: Made, limits: Limits) -> str:
    unit = case.unit or check.unit
    limit = getattr(limits, case.bound) if case.bound in TWO else limits[case.bound]
    reached = _reached(case, check, made, limits, limit)
    measured = "" if reached is None else f"{_number(reached)} {unit}: "
    return f"{measured}not flagged (limit {limit:g} {unit})"


def _reached(case: Case, check: Check, made: Made, limits: Limits, limit: float) -> float | None:
    """The limit up to which a near miss would be flagged; None where no limit finds it."""

    def is_flagged(at: float) -> bool:
        if case.bound in TWO:
            moved = replace(limits, **{case.bound: at})  # type: ignore[arg-type]
        else:
            moved = replace(limits, settings={**limits.settings, case.bound: at})
        return bool(_flags(check, made, moved))

    sign = 1 if limits.worse == "higher" else -1
    tight = limit - sign * TIGHT * abs(limit)
    if not is_flagged(tight):
        return None
    for _ in range(16):
        middle = (tight + limit) / 2
        tight, limit = (middle, limit) if is_flagged(middle) else (tight, middle)
    return tight


def _scale(judged: Judged) -> Scale:
    """From the least to the most of the curves, and of the lines near them."""
    made, start_end = judged.made, _across(judged)
    if not made.curves:
        return 0.0, 1.0
    values = np.concatenate([_within(curve, start_end) for curve in made.curves])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    for at, line in enumerate(judged.lines.values()):
        # a line far beyond the curves would press them flat
        if at == 0 or line <= 1.6 * high:
            low, high = min(low, line), max(high, line)
    size = max(high - low, made.least) or 0.4 * max(abs(high), 1.0)
    middle = (low + high) / 2
    return middle - 0.58 * size, middle + 0.58 * size


def _across(judged: Judged) -> Scale:
    """The window of the curves, or all of their time."""
    curves = judged.made.curves
    starts, ends = ([float(curve.times_s[at]) for curve in curves] for at in (0, -1))
    return judged.made.window_s or (min(starts, default=0.0), max(ends, default=1.0))


def _alike(scales: list[Scale]) -> list[Scale]:
    """One scale for both sides, unless one of them could not be read on it."""
    sizes = [high - low for low, high in scales]
    if max(sizes) > ALIKE * min(sizes):
        return scales
    return [(min(low for low, _ in scales), max(high for _, high in scales))] * len(scales)


def _side(case: Case, judged: Judged, scale: Scale) -> Picture:
    canvas = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    is_hit = bool(judged.flags)
    colour = RED if is_hit else GREEN
    at = _text(canvas, "HIT" if is_hit else "NEAR MISS", (14, 24), colour, weight=700)
    _text(canvas, judged.side.words, (at + 10, 24), INK)
    _text(canvas, judged.caption, (14, HEIGHT - 12), colour, weight=600)
    pictures = _pictures(judged)
    if judged.made.bars:
        _Plot.of_bars(canvas, judged).bars(judged)
    elif judged.made.curves:
        left = 60
        if pictures:
            side_by_side = len(pictures) == 1
            _place(canvas, pictures, 14, 48, 190 if side_by_side else 112)
            left = 262 if side_by_side else 184
        across = _across(judged)
        plot = _Plot(canvas, left, 62, WIDTH - 14, HEIGHT - 54, across, scale)
        plot.curves(case.axis, judged)
    else:
        _place_across(canvas, pictures)
    return canvas


def _pictures(judged: Judged) -> tuple[Picture, ...]:
    """Those shown as they are, else that of the film at the middle of the flag."""
    made = judged.made
    if not made.frames:
        return made.shown
    at_s = made.middle_s
    if judged.flags:
        span = judged.flags[0].span
        at_s = (span.start_ns + span.end_ns) / 2 / NS
    return (unpacked(made.frames[min(round(at_s * RATE_HZ), len(made.frames) - 1)]),)


def _place(canvas: Picture, pictures: Iterable[Picture], left: int, top: int, width: int) -> None:
    """Pictures one below the other, each as wide, or less wide if it is the smaller one."""
    for picture in pictures:
        scale = width / 320
        shown = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height, across = shown.shape[:2]
        canvas[top : top + height, left : left + across] = shown
        top += round(240 * scale) + 6


def _place_across(canvas: Picture, pictures: Iterable[Picture]) -> None:
    for at, picture in enumerate(pictures):
        _place(canvas, [picture], 14 + at * 216, 48, 206)


@dataclass(frozen=True)
class _Plot:
    """A part of a canvas with a scale in both directions; times are across, (start, end)."""

    canvas: Picture
    left: int
    top: int
    right: int
    bottom: int
    across: Scale
    up: Scale

    @classmethod
    def of_bars(cls, canvas: Picture, judged: Judged) -> _Plot:
        """As wide as the longest bar and the limits need."""
        end_s = max(bar.end_s for bar in judged.made.bars)
        near = [line for line in judged.lines.values() if line < 3 * end_s]
        end_s = max([end_s, *near])
        return cls(canvas, 92, 58, WIDTH - 20, HEIGHT - 54, (0.0, 1.08 * end_s), (0.0, 1.0))

    def x(self, at_s: float) -> int:
        """The column of a time."""
        start, end = self.across
        share = (min(max(at_s, start), end) - start) / max(end - start, 1e-9)
        return round(self.left + share * (self.right - self.left))

    def y(self, value: float) -> int:
        """The row of a value."""
        low, high = self.up
        return round(self.bottom - (value - low) / (high - low) * (self.bottom - self.top))

    def curves(self, axis: str, judged: Judged) -> None:
        """The curves with their flags shaded and their limits dashed."""
        self._shade(judged)
        self._scale_up()
        self._scale_across(judged.made.across)
        at = _text(self.canvas, axis, (self.left - 34, self.top - 14), GREY, 11)
        colours = iter(LINES)
        for curve in judged.made.curves:
            colour = GREY if curve.is_pale else next(colours)
            at = _text(self.canvas, curve.name, (at + 12, self.top - 14), colour, 11, 600)
            self._curve(curve, (180, 176, 172) if curve.is_pale else colour)
        inside = {name: at for name, at in judged.lines.items() if self.up[0] <= at <= self.up[1]}
        self._levels(inside)

    def bars(self, judged: Judged) -> None:
        """The stretches one below the other, with their flags shaded and limits upright."""
        self._shade(judged)
        self._scale_across(judged.made.across)
        for name, line in judged.lines.items():
            if line <= self.across[1]:
                _dashed(self.canvas, (self.x(line), self.top), (self.x(line), self.bottom))
                words = f"{name} {line:g}"
                left = min(self.x(line) + 4, WIDTH - 6 - _length(words, 11))
                _text(self.canvas, words, (left, self.top - 6), INK, 11)
        pitch = (self.bottom - self.top - 16) / len(judged.made.bars)
        for at, bar in enumerate(judged.made.bars):
            self._bar(bar, round(self.top + 16 + (at + 0.5) * pitch), LINES[min(at, 1)])

    def _bar(self, bar: Bar, middle: int, colour: Colour) -> None:
        _text(self.canvas, bar.row, (14, middle + 4), INK, 12)
        corners = (self.x(bar.start_s), middle - 11), (self.x(bar.end_s), middle + 11)
        if bar.is_empty:
            cv2.rectangle(self.canvas, *corners, GREY, 1, cv2.LINE_AA)
            _text(self.canvas, bar.text, (corners[0][0] + 8, middle + 4), GREY, 12)
            return
        cv2.rectangle(self.canvas, *corners, colour, -1)
        _text(self.canvas, bar.text, (corners[0][0] + 8, middle + 4), (255, 255, 255), 12)

    def _shade(self, judged: Judged) -> None:
        if judged.flags and judged.made.across != "s":
            self.canvas[self.top : self.bottom, self.left : self.right] = SHADE
            return
        for flag in judged.flags:
            start, end = self.x(flag.span.start_ns / NS), self.x(flag.span.end_ns / NS)
            # a moment is to be seen too
            self.canvas[self.top : self.bottom, start : max(end, start + 3)] = SHADE

    def _scale_up(self) -> None:
        for value in _ticks(*self.up, 4):
            row = self.y(value)
            cv2.line(self.canvas, (self.left, row), (self.right, row), PALE, 1)
            words = f"{value:g}"
            _text(self.canvas, words, (self.left - 6 - _length(words, 11), row + 4), GREY, 11)

    def _scale_across(self, unit: str) -> None:
        base = (self.left, self.bottom), (self.right, self.bottom)
        cv2.line(self.canvas, *base, GREY, 1, cv2.LINE_AA)
        ticks = _ticks(*self.across, 6)
        for at_s in ticks:
            words = f"{at_s:g} {unit}" if at_s == ticks[-1] else f"{at_s:g}"
            column = self.x(at_s)
            cv2.line(self.canvas, (column, self.bottom), (column, self.bottom + 4), GREY, 1)
            left = min(column - _length(f"{at_s:g}", 11) // 2, WIDTH - 8 - _length(words, 11))
            _text(self.canvas, words, (left, self.bottom + 17), GREY, 11)

    def _curve(self, curve: Curve, colour: Colour) -> None:
        """In pieces, broken where the values are no numbers or lie outside the window."""
        start, end = self.across
        inside = np.isfinite(curve.values) & (curve.times_s >= start) & (curve.times_s <= end)
        rows = np.flatnonzero(inside)
        for piece in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            points = [(self.x(curve.times_s[at]), self.y(curve.values[at])) for at in piece]
            line = np.array(points, np.int32).reshape(-1, 1, 2)
            cv2.polylines(self.canvas, [line], False, colour, 1, cv2.LINE_AA)

    def _levels(self, lines: Mapping[str, float]) -> None:
        """Limits with their names above them, or below where another one is just above."""
        above = -100
        for name, value in sorted(lines.items(), key=lambda line: -line[1]):
            row, words = self.y(value), f"{name} {value:.3g}"
            _dashed(self.canvas, (self.left, row), (self.right, row))
            base = row - 4 if row - above > 16 else row + 13
            left = self.right - _length(words, 11) - 2
            shown = self.canvas[base - 10 : base + 3, left - 2 : self.right]
            shown[:] = 255 - (255 - shown) // 4  # the curve must not strike the words out
            _text(self.canvas, words, (left, base), INK, 11)
            above = row


def _within(curve: Curve, across: Scale) -> Floats:
    """The values of a curve in a window."""
    inside = (curve.times_s >= across[0]) & (curve.times_s <= across[1])
    return np.asarray(curve.values[inside], np.float64)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two, ``most`` of them at most."""
    size = 10.0 ** np.floor(np.log10(max(high - low, 1e-9)))
    steps = (size * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10))
    step = next(step for step in steps if np.floor(high / step) - np.ceil(low / step) < most)
    numbers = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    return [float(f"{number:.6g}") + 0.0 for number in numbers]


def _dashed(canvas: Picture, start: tuple[int, int], end: tuple[int, int]) -> None:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1])) // 4
    points: npt.NDArray[np.intp] = np.rint(np.linspace(start, end, steps + 1)).astype(np.intp)
    for at in range(0, steps, 2):
        cv2.line(canvas, points[at].tolist(), points[at + 1].tolist(), INK, 1)


def _text(
    canvas: Picture,
    words: str,
    place: tuple[int, int],
    colour: Colour,
    size: int = 13,
    weight: int = 400,
) -> int:
    """Writes words from a place on, the left end of their base line; gives where they end."""
    end, _ = cv2.putText(canvas, words, place, colour, _FACE, size, weight)
    return int(end[0])


def _length(words: str, size: int) -> int:
    _, _, width, _ = cv2.getTextSize((WIDTH, HEIGHT), words, (0, 0), _FACE, size, 400)
    return int(width)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
