"""One self-contained page about a run of ``dailies screen``: verdicts, Pareto, stills and curves.

Nothing is fetched: stills are small JPEGs inside the page, curves are plain SVG. It is written
episode by episode, so that a large run needs no more memory than its page.
"""

from __future__ import annotations

import base64
import collections
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade
from jobs.screening import Screened, ScreenedStream
from jobs.whole_set import SetLag
from quality.measures import Measurements

STILL_WIDTH = 224
STILLS = 3
"""Of each flag: at the start, the middle and the end of its span."""
SHOWN = 8
"""Flags of an episode with stills; the others are listed."""
POINTS = 400
"""Of a curve at most: the mean of each stretch."""
CURVES = ("motion", "luma", "sharpness", "edge_px", "speed", "rms")
WORDS = {"good": "●", "unknown": "?", "suspect": "▲", "fail": "■"}
"""Signs beside the words, so that colour is never the only one."""


@dataclass
class Report:
    """Gathers a run's episodes; ``page`` is the whole page.

    ``store`` is the folder in which their measurements lie, one folder a fingerprint.
    """

    store: Path
    _episodes: list[Screened] = field(default_factory=list)
    _chapters: list[str] = field(default_factory=list)

    def add(self, screened: Screened) -> None:
        """Take in one episode, and draw its flags while its files are there."""
        self._episodes.append(screened)
        if screened.verdict.flags:
            self._chapters.append(_chapter(screened, len(self._episodes), self.store))

    def page(self, title: str, together: Sequence[SetLag] = ()) -> str:
        """The page as HTML; ``together`` is what all episodes of a rig tell together."""
        counts = collections.Counter(one.verdict.grade for one in self._episodes)
        hours = sum(one.duration_s for one in self._episodes) / 3600
        policy = ", ".join(sorted({one.verdict.policy for one in self._episodes}))
        said = ", ".join(f"{counts[grade]} {grade.value}" for grade in Grade if counts[grade])
        return _PAGE.format(
            title=html.escape(title),
            said=f"{len(self._episodes)} episodes, {hours:.2f} h: {said or 'none'}",
            triage=_TRIAGE if any(one.triage for one in self._episodes) else "",
            policy=html.escape(policy),
            pareto="".join(_pareto(self._episodes)),
            together=_together(together),
            rows="".join(_row(one, at + 1) for at, one in enumerate(self._episodes)),
            chapters="".join(self._chapters),
            style=_STYLE,
        )


def _row(screened: Screened, number: int) -> str:
    grade = screened.verdict.grade.value
    checks = ", ".join(dict.fromkeys(flag.check for flag in screened.verdict.flags))
    place = html.escape(_place(screened))
    link = f'<a href="#e{number}">{place}</a>' if screened.verdict.flags else place
    grade_of = f"triage: {grade}" if screened.triage else grade
    return (
        f'<tr><td class="{grade}">{WORDS[grade]} {grade_of}</td><td>{link}</td>'
        f"<td class=n>{screened.duration_s:.1f}</td><td>{html.escape(checks)}</td></tr>\n"
    )


def _place(screened: Screened) -> str:
    return screened.path.name + (f", episode {screened.index}" if screened.index else "")


def _pareto(episodes: list[Screened]) -> Iterator[str]:
    """A bar for each check: in how many episodes it was found, the most frequent first."""
    found = collections.Counter(
        check for one in episodes for check in {flag.check for flag in one.verdict.flags}
    )
    most = max(found.values(), default=1)
    for check, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        share = 100 * count / len(episodes)
        yield (
            f"<tr><td>{check}</td><td class=n>{count}</td><td class=n>{share:.1f}</td>"
            f'<td class=bar><i style="width:{100 * count / most:.1f}%"></i></td></tr>\n'
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


def _chapter(screened: Screened, number: int, store: Path) -> str:
    grade = screened.verdict.grade.value
    flags = screened.verdict.flags
    streams = {stream.name: stream for stream in screened.streams}
    parts = [
        f'<section id="e{number}"><h3><span class="{grade}">{WORDS[grade]} {grade}</span> '
        f"{html.escape(_place(screened))}</h3>"
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
    for name in names or [stream.name for stream in screened.streams[:1]]:
        try:
            curves = measured.curves(str(name))
        except KeyError:
            continue
        spans = [flag.span for flag in screened.verdict.flags if flag.stream in (name, None)]
        times = curves["time_s"]
        drawn = [
            _curve(label, times, curves[label], [(s.start_ns / NS, s.end_ns / NS) for s in spans])
            for label in CURVES
            if label in curves and len(times) > 1
        ]
        yield f"<h4>{html.escape(str(name))}</h4><div class=curves>{''.join(drawn)}</div>"


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
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:1rem auto;padding:0 1rem;
overflow-wrap:anywhere}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}h3{font-size:1rem}h4{margin:.4rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .5rem .25rem 0;border-bottom:1px solid #8884}
td,th{text-align:left;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:#1b7a4b}.unknown{color:#2a6f97}.suspect{color:#a86400}.fail{color:#b3261e}
.good,.unknown,.suspect,.fail{white-space:nowrap}
.bar{width:50%}.bar i{display:block;height:.9rem;background:#2a6f97}
section{border-top:1px solid #8886;break-inside:avoid-page}
.sheet,.curves{display:flex;flex-wrap:wrap;gap:.5rem}
figure{margin:0}figure img{width:224px;max-width:44vw;display:block}
figcaption{font-size:.8rem;opacity:.75}
svg{width:300px;max-width:90vw;height:60px}polyline{fill:none;stroke:#2a6f97;stroke-width:1}
rect{fill:#d98e0444}
@media print{body{max-width:none;font-size:11px}a{color:inherit;text-decoration:none}
*{print-color-adjust:exact}}
"""

_TRIAGE = (
    "<p><b>This is a triage:</b> every packet was read, but only a sample of the pictures was "
    "looked at. Good means that nothing odd was seen, no more.</p>"
)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head>
<body><h1>{title}</h1><p>{said}. Judged under {policy}.</p>{triage}
<h2>What was found</h2><div class=scroll><table>
<tr><th>check</th><th class=n>episodes</th><th class=n>% of all</th><th></th></tr>
{pareto}</table></div>{together}
<h2>Episodes</h2><div class=scroll><table>
<tr><th>verdict</th><th>recording</th><th class=n>length [s]</th><th>flags</th></tr>
{rows}</table></div>
<h2>Flags</h2>{chapters}</body></html>
"""
