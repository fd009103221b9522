"""Who worked when, on which rig: the shifts of the example's ninety days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from jobs.example.catalogue import (
    BAD_RIG,
    DAYS,
    PLACES,
    RESUBMITTER,
    Place,
    hands,
    rig_ids,
    worker_ids,
)

NIGHT_H = (22, 6)
"""Wall-clock hours at which a night shift begins and ends."""


@dataclass(frozen=True)
class Stint:
    """One shift, with what its episodes need to know. Instants are in UTC."""

    id: str
    place: Place
    worker: str
    rig: str
    kind: str
    worked_on: dt.date
    started_at: dt.datetime
    ended_at: dt.datetime

    @property
    def paid_s(self) -> float:
        """The time that really went by, whatever the clocks on the wall did meanwhile."""
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class ClockChange:
    """A site's clocks changing: the night of ``night_on`` runs into it."""

    place: Place
    night_on: dt.date
    at: dt.datetime
    shift_s: float  # how much longer (or shorter) than its wall-clock hours that night is


def days_up_to(now: dt.datetime, zone: str) -> list[dt.date]:
    """The example's days at a place, oldest first, today included."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return [today - dt.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def last_clock_change(now: dt.datetime) -> ClockChange | None:
    """The latest night, over at ``now``, in which a facility's clocks change; None without one."""
    found = [
        change
        for place in PLACES
        if place.kind == "facility"
        for day in days_up_to(now, place.zone)[:-1]
        if (change := _change_in_night(place, day)) is not None
    ]
    return max(found, key=lambda change: change.at, default=None)


def plan_shifts(
    rng: np.random.Generator, now: dt.datetime, scale: float
) -> tuple[list[Stint], Stint | None]:
    """All shifts up to ``now`` in order of time, and the night shift over a clock change."""
    workers = {place.id: _Crew.of(rng, place) for place in PLACES}
    change = last_clock_change(now)
    nights = _nights(change, now) if change else []
    tired = {night.worker for night in nights}
    daily = [
        stint
        for place in PLACES
        for stint in _shifts_of(rng, place, workers[place.id], tired, now, scale)
    ]
    stints = sorted([*daily, *nights, *_going_on(now)], key=lambda stint: stint.started_at)
    over = [night for night in nights if change and night.worked_on == change.night_on]
    return stints, over[0] if over else None


def joined_on(place: Place, now: dt.datetime) -> list[dt.date]:
    """The day each worker of a place joined: over half before the window, the rest during it."""
    first = days_up_to(now, place.zone)[0]
    early = int(place.workers * 0.55) + 1
    late = np.linspace(0, DAYS - 12, max(place.workers - early, 0)).astype(int)
    before = [first - dt.timedelta(days=20 + 3 * (n % 50)) for n in range(early)]
    return (before + [first + dt.timedelta(days=int(day)) for day in late])[: place.workers]


@dataclass(frozen=True)
class _Crew:
    workers: tuple[str, ...]
    weights: npt.NDArray[np.float64]
    rigs: tuple[tuple[str, str], ...]
    rig_weights: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rng: np.random.Generator, place: Place) -> _Crew:
        """Some people record much more than others; the bad rig is a favourite."""
        rigs = rig_ids(place)
        liked = np.array([8.0 if rig == BAD_RIG else 1.0 for rig, _ in rigs])
        workers = worker_ids()[place.id]
        eager = rng.lognormal(0.0, 0.7, len(workers))
        eager = np.where(np.array(workers) == RESUBMITTER, 9.0, eager)
        return cls(workers, eager, rigs, liked)


def _shifts_of(
    rng: np.random.Generator,
    place: Place,
    crew: _Crew,
    tired: set[str],
    now: dt.datetime,
    scale: float,
) -> Iterator[Stint]:
    days = days_up_to(now, place.zone)
    joined = np.array(joined_on(place, now))
    busy_now = {hand.worker for hand in hands()} | {hand.rig for hand in hands()}
    rested = np.array([worker not in tired for worker in crew.workers])
    for at, day in enumerate(days):
        free = rested & (joined <= day)
        rig_weights = crew.rig_weights
        if day == days[-1]:
            free = free & np.array([worker not in busy_now for worker in crew.workers])
            idle = np.array([rig not in busy_now for rig, _ in crew.rigs])
            rig_weights = np.where(idle, rig_weights, 0.0)
        mean = place.busy * place.week[day.weekday()] * _ramp(at) * scale
        count = min(int(rng.poisson(mean)), int(free.sum()), int((rig_weights > 0).sum()))
        if not count:
            continue
        people = _draw(rng, np.where(free, crew.weights, 0.0), count)
        rigs = _draw(rng, rig_weights, count)
        opening = rng.uniform(place.opens[0], place.opens[1], count)
        hours = rng.uniform(*place.shift_h, count)
        for n in range(count):
            started = _on_the_wall(day, float(opening[n]), place.zone)
            ended = started + dt.timedelta(minutes=round(float(hours[n]) * 60))
            if ended > now:
                continue
            worker = crew.workers[people[n]]
            rig, kind = crew.rigs[rigs[n]]
            name = f"s-{day:%m%d}-{worker}"
            yield Stint(name, place, worker, rig, kind, day, started, ended)


def _going_on(now: dt.datetime) -> Iterator[Stint]:
    """The shifts of those who are at work right now."""
    places = {place.id: place for place in PLACES}
    started = now.replace(second=0, microsecond=0) - dt.timedelta(hours=1, minutes=40)
    for hand in hands():
        place = places[hand.site]
        day = started.astimezone(ZoneInfo(place.zone)).date()
        ended = started + dt.timedelta(hours=4)
        yield Stint(hand.shift, place, hand.worker, hand.rig, hand.kind, day, started, ended)


def _nights(change: ClockChange, now: dt.datetime) -> list[Stint]:
    """Nights from three before the change to two after, on a robot that is free at night."""
    place = change.place
    worker = worker_ids()[place.id][-1]
    rig, kind = next(reversed([pair for pair in rig_ids(place) if pair[1] == "robot"]))
    nights = []
    for offset in range(-3, 3):
        day = change.night_on + dt.timedelta(days=offset)
        started = _on_the_wall(day, NIGHT_H[0], place.zone)
        ended = _on_the_wall(day + dt.timedelta(days=1), NIGHT_H[1], place.zone)
        if ended < now:
            name = f"s-{day:%m%d}-{worker}-night"
            nights.append(Stint(name, place, worker, rig, kind, day, started, ended))
    return nights


def _change_in_night(place: Place, day: dt.date) -> ClockChange | None:
    started = _on_the_wall(day, NIGHT_H[0], place.zone)
    ended = _on_the_wall(day + dt.timedelta(days=1), NIGHT_H[1], place.zone)
    wall_s = ((24 - NIGHT_H[0]) + NIGHT_H[1]) * 3600
    extra = (ended - started).total_seconds() - wall_s
    return ClockChange(place, day, ended, extra) if extra else None


def _on_the_wall(day: dt.date, hour: float, zone: str) -> dt.datetime:
    """The instant, in UTC, at which the clock of a zone shows an hour of a day, to the minute."""
    hours, minutes = divmod(round(hour * 60), 60)
    wall = dt.datetime.combine(day, dt.time(hours, minutes), ZoneInfo(zone))
    return wall.astimezone(dt.UTC)


def _ramp(day: int) -> float:
    """The operation grows over its first six weeks."""
    return 0.35 + 0.65 / (1.0 + float(np.exp(-(day - 24) / 7.0)))


def _draw(
    rng: np.random.Generator, weights: npt.NDArray[np.float64], count: int
) -> npt.NDArray[np.int64]:
    return rng.choice(len(weights), size=count, replace=False, p=weights / weights.sum())
