"""One self-contained page about a run of ``dailies screen``: verdicts, Pareto, stills and curves.

It is read by people who never saw the tool, so every word on it is explained there.

Nothing is fetched: stills are small JPEGs inside the page, curves are plain SVG. It is written
episode by episode, so that a large run needs no more memory than its page.
"""

from __future__ import annotations

import base64
import collections
import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, worst
from jobs.printing import Tally, place_of
from jobs.screening import Screened, ScreenedStream
from jobs.whole_set import SetLag
from quality.checks import BY_NAME
from quality.measures import Measurements

STILL_WIDTH = 224
STILLS = 3
"""Of each flag: at the start, the middle and the end of its span."""
SHOWN = 8
"""Flags of an episode with stills; the others are listed."""
POINTS = 400
"""Of a curve at most: the mean of each stretch."""
CURVES = {
    "motion": "change from picture to picture",
    "luma": "brightness",
    "sharpness": "sharpness",
    "edge_px": "width of edges in pixels",
    "speed": "speed",
    "rms": "loudness",
}
"""Curves that are drawn, and what they are called."""
WORDS = {"good": "●", "unknown": "?", "suspect": "▲", "fail": "■"}
"""Signs beside the words, so that colour is never the only one."""
MEANINGS = {
    "fail": "something is certainly wrong: do not use it, record it again",
    "suspect": "something looks wrong: a person should look at the spans below",
    "unknown": "could not be judged, for the reason given: a person should look",
    "good": "no check found anything",
}


@dataclass
class Report:
    """Gathers a run's episodes; ``page`` is the whole page.

    ``store`` is the folder in which their measurements lie, one folder a fingerprint. Places are
    said from the folder ``below`` on.
    """

    store: Path
    below: Path | None = None
    _tally: Tally = field(default_factory=Tally)
    _told: list[_Told] = field(default_factory=list)

    def add(self, screened: Screened) -> None:
        """Take in one episode, and draw its flags while its files are there."""
        place = place_of(screened, self.below)
        number = len(self._told) + 1
        chapter = _chapter(screened, place, number, self.store) if screened.verdict.flags else ""
        found: dict[str, Grade] = {}
        for flag in screened.verdict.flags:
            found[flag.check] = worst([found.get(flag.check, flag.grade), flag.grade])
        self._tally.add(screened)
        self._told.append(
            _Told(
                order=(-screened.verdict.grade.rank, str(screened.path), screened.index),
                policy=screened.verdict.policy,
                is_triage=screened.triage is not None,
                found=found,
                row=_row(screened, place, number),
                chapter=chapter,
            )
        )

    def page(self, title: str, together: Sequence[SetLag] = (), left: int = 0) -> str:
        """The page as HTML, the worst first; ``together`` is what all episodes of a rig tell
        together, ``left`` how many were not screened when the run was ended.
        """
        told = sorted(self._told, key=lambda one: one.order)
        policy = ", ".join(sorted({one.policy for one in told}))
        return _PAGE.format(
            title=html.escape(title),
            said=self._tally.said,
            left=_LEFT.format(left=left) if left else "",
            triage=_TRIAGE if any(one.is_triage for one in told) else "",
            policy=html.escape(policy),
            words="".join(_meaning(grade) for grade in reversed(Grade)),
            pareto="".join(_pareto(told)),
            together=_together(together),
            rows="".join(one.row for one in told),
            chapters="".join(one.chapter for one in told),
            style=_STYLE,
        )


@dataclass(frozen=True)
class _Told:
    """What the page says of one episode, and what it is sorted by; ``found`` is the worst grade of
    each check that flags it.
    """

    order: tuple[int, str, int]
    policy: str
    is_triage: bool
    found: Mapping[str, Grade]
    row: str
    chapter: str


def _row(screened: Screened, place: str, number: int) -> str:
    grade = screened.verdict.grade.value
    checks = ", ".join(dict.fromkeys(flag.check for flag in screened.verdict.flags))
    place = html.escape(place)
    link = f'<a href="#e{number}">{place}</a>' if screened.verdict.flags else place
    grade_of = f"triage: {grade}" if screened.triage else grade
    return (
        f'<tr><td class="{grade}">{WORDS[grade]} {grade_of}</td><td class=place>{link}</td>'
        f"<td class=n>{screened.duration_s:.1f}</td><td>{html.escape(checks)}</td></tr>\n"
    )


def _meaning(grade: Grade) -> str:
    word = grade.value
    return f'<dt class="{word}">{WORDS[word]} {word}</dt><dd>{MEANINGS[word]}</dd>'


def _pareto(told: list[_Told]) -> Iterator[str]:
    """A line for each check: in how many episodes it was found and how bad, the worst first."""
    found: dict[str, collections.Counter[Grade]] = collections.defaultdict(collections.Counter)
    for one in told:
        for check, grade in one.found.items():
            found[check][grade] += 1
    most = max((count.total() for count in found.values()), default=1)
    worst_first = (Grade.FAIL, Grade.SUSPECT, Grade.UNKNOWN)
    for check, count in sorted(
        found.items(), key=lambda pair: ([-pair[1][grade] for grade in worst_first], pair[0])
    ):
        numbers = "".join(f"<td class=n>{count[grade] or ''}</td>" for grade in worst_first)
        known = BY_NAME.get(check)
        bars = "".join(
            f'<i class="{grade.value}" style="width:{100 * count[grade] / most:.1f}%"></i>'
            for grade in worst_first
            if count[grade]
        )
        yield (
            f"<tr><td><b>{check}</b><br>{html.escape(known.says if known else '')}</td>{numbers}"
            f"<td class=n>{100 * count.total() / len(told):.1f}</td>"
            f"<td class=bar>{bars}</td></tr>\n"
        )


def _together(lags: Sequence[SetLag]) -> str:
    rows = ""
    for lag in lags:
        grade = lag.flag.grade.value if lag.flag else "good"
        rows += (
            f'<tr><td class="{grade}">{WORDS[grade]} {grade}</td>'
            f"<td>{html.escape(lag.said)}</td></tr>\n"
        )
    return f"\n<h2>All episodes together</h2><table>{rows}</table>" if rows else ""


def _chapter(screened: Screened, place: str, number: int, store: Path) -> str:
    grade = screened.verdict.grade.value
    flags = screened.verdict.flags
    streams = {stream.name: stream for stream in screened.streams}
    parts = [
        f'<section id="e{number}"><h3><span class="{grade}">{WORDS[grade]} {grade}</span> '
        f"{html.escape(place)}</h3>"
    ]
    for at, flag in enumerate(flags):
        parts.append(_flag(flag))
        if at < SHOWN:
            stream = streams.get(flag.stream or "") or _first_video(screened)
            parts.append(_sheet(flag, stream))
    parts += _curves(screened, store)
    return "".join([*parts, "</section>\n"])


def _first_video(screened: Screened) -> ScreenedStream | None:
    return next((stream for stream in screened.streams if stream.kind == "video"), None)


def _flag(flag: Flag) -> str:
    span = f"{flag.span.start_ns / NS:.1f}–{flag.span.end_ns / NS:.1f} s"
    grade = flag.grade.value
    return (
        f'<p><b class="{grade}">{WORDS[grade]} {flag.check}</b> {span}<br>'
        f"{html.escape(flag.message)}</p>"
    )


def _sheet(flag: Flag, stream: ScreenedStream | None) -> str:
    if stream is None or stream.file is None:
        return ""
    start_s, end_s = flag.span.start_ns / NS, flag.span.end_ns / NS
    wanted = np.linspace(start_s, max(end_s - 0.05, start_s), STILLS)
    drawn = [
        f'<figure><img alt="" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
        f"<figcaption>{at_s:.1f} s</figcaption></figure>"
        for at_s, jpeg in stills(stream, wanted)
    ]
    return f"<div class=sheet>{''.join(drawn)}</div>" if drawn else ""


def stills(
    stream: ScreenedStream, wanted_s: npt.NDArray[np.float64]
) -> Iterator[tuple[float, bytes]]:
    """JPEGs of a stream at some seconds of its recording; fewer where it cannot be decoded."""
    if stream.file is None:
        return
    offset_s = stream.file_start_s or 0.0
    try:
        with av.open(str(stream.file), metadata_errors="replace") as container:
            shown = container.streams.video[0]
            unit = float(shown.time_base or 0)
            first = shown.start_time or 0
            for at_s in dict.fromkeys(wanted_s.round(3).tolist()):
                target = first + round((at_s + offset_s) / unit)
                container.seek(target, stream=shown)
                last = None
                for frame in container.decode(shown):
                    last = frame
                    if frame.pts is None or frame.pts >= target:
                        break
                if last is not None:
                    height = max(round(last.height * STILL_WIDTH / last.width / 2) * 2, 2)
                    small = last.reformat(width=STILL_WIDTH, height=height, format="bgr24")
                    done, jpeg = cv2.imencode(
                        ".jpg", small.to_ndarray(), [cv2.IMWRITE_JPEG_QUALITY, 70]
                    )
                    if done:
                        yield at_s, jpeg.tobytes()
    except (av.FFmpegError, OSError, ValueError, IndexError, ZeroDivisionError):
        return  # what cannot be decoded has a flag that says so


def _curves(screened: Screened, store: Path) -> Iterator[str]:
    try:
        measured = Measurements.load(store / screened.fingerprint)
    except (OSError, ValueError, KeyError, TypeError):
        return
    names = dict.fromkeys(flag.stream for flag in screened.verdict.flags if flag.stream)
    for stream in names or [stream.name for stream in screened.streams[:1]]:
        try:
            curves = measured.curves(str(stream))
        except KeyError:
            continue
        spans = [flag.span for flag in screened.verdict.flags if flag.stream in (stream, None)]
        times = curves["time_s"]
        drawn = [
            _curve(said, times, curves[name], [(s.start_ns / NS, s.end_ns / NS) for s in spans])
            for name, said in CURVES.items()
            if name in curves and len(times) > 1
        ]
        yield f"<h4>{html.escape(str(stream))}</h4><div class=curves>{''.join(drawn)}</div>"


def _curve(
    label: str,
    times: npt.NDArray[np.float64],
    values: npt.NDArray[np.floating],
    spans: list[tuple[float, float]],
) -> str:
    """A line over time, the flags' spans behind it."""
    starts = np.unique(np.linspace(0, len(values), POINTS, endpoint=False).astype(int))
    counts = np.diff([*starts, len(values)])
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0).astype(float), starts)
    kept = np.add.reduceat(known.astype(int), starts)
    means = total / np.maximum(kept, 1)
    seen_s = np.add.reduceat(times, starts) / counts
    if not kept.any():
        return ""
    low, high = float(means[kept > 0].min()), float(means[kept > 0].max())
    first_s, length_s = float(times[0]), float(times[-1] - times[0]) or 1.0
    x = (seen_s - first_s) / length_s * 300
    y = 58 - (means - low) / ((high - low) or 1.0) * 54
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b, k in zip(x, y, kept, strict=True) if k)
    bands = "".join(
        f'<rect x="{max((start - first_s) / length_s * 300, 0):.1f}" y="0" height="60" '
        f'width="{max((end - start) / length_s * 300, 1):.1f}"/>'
        for start, end in spans
    )
    return (
        f'<figure><svg viewBox="0 0 300 60" role="img" aria-label="{label}">{bands}'
        f'<polyline points="{line}"/></svg><figcaption>{label}: {low:.3g} to {high:.3g}, '
        f"{first_s:.1f} to {first_s + length_s:.1f} s</figcaption></figure>"
    )


_STYLE = """
:root{color-scheme:light dark;--good:#1b7a4b;--unknown:#2a6f97;--suspect:#a86400;--fail:#b3261e}
@media(prefers-color-scheme:dark){:root{--good:#6fcf97;--unknown:#7fb8e0;--suspect:#f0b429;
--fail:#ff8a80}}
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:1rem auto;padding:0 1rem}
h1,h3,p,dd{overflow-wrap:anywhere}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}h3{font-size:1rem}h4{margin:.4rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}
td,th{text-align:left;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.place{min-width:14rem;overflow-wrap:anywhere}
.good{color:var(--good)}.unknown{color:var(--unknown)}
.suspect{color:var(--suspect)}.fail{color:var(--fail)}
td.good,td.unknown,td.suspect,td.fail{white-space:nowrap}
.bar{width:35%;min-width:6rem}.bar i{display:inline-block;height:.9rem;background:currentColor}
section{border-top:1px solid #8886;break-inside:avoid-page}
.sheet,.curves{display:flex;flex-wrap:wrap;gap:.5rem}
figure{margin:0}figure img{width:224px;max-width:44vw;display:block}
figcaption{font-size:.8rem;opacity:.75;max-width:300px}
svg{width:300px;max-width:90vw;height:60px}
polyline{fill:none;stroke:var(--unknown);stroke-width:1}
rect{fill:#d98e0444}
@media print{body{max-width:none;font-size:11px}a{color:inherit;text-decoration:none}
*{print-color-adjust:exact}}
"""

_TRIAGE = (
    "<p><b>This is a triage:</b> every packet was read, but only a sample of the pictures was "
    "looked at. Good means that nothing odd was seen, no more.</p>"
)
_LEFT = "<p><b>The run was ended early:</b> {left} or more were not screened.</p>"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head>
<body><h1>{title}</h1><p>{said}. Judged under the policy {policy}.</p>{left}{triage}
<dl>{words}</dl>
<h2>What was found</h2><div class=scroll><table>
<tr><th>check</th><th class=n>fail</th><th class=n>suspect</th><th class=n>unknown</th>
<th class=n>% of all</th><th>episodes</th></tr>
{pareto}</table></div>{together}
<h2>Episodes</h2><div class=scroll><table>
<tr><th>verdict</th><th>recording</th><th class=n>length [s]</th><th>flags</th></tr>
{rows}</table></div>
<h2>Flags</h2><p>Of each flag: its span, what was measured and what to do; pictures from the start,
the middle and the end of the span; curves of its stream, with the spans in yellow.</p>
{chapters}</body></html>
"""
