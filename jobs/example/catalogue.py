"""The example operation's places, people, chores, customers and prices: all invented.

Wages and rates are round figures of the example, no one's advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFAULT_SEED = 7
DAYS = 90
"""Length of the history, today included."""

Kind = Literal["robot", "egocentric"]


@dataclass(frozen=True)
class Place:
    """A site with its rigs and how busy it is.

    ``busy`` is the mean number of shifts on a full working day, ``week`` its rhythm from Monday
    to Sunday. ``shift_h`` are the shortest and longest shift, ``opens`` the site's hours between
    which shifts begin. ``lag_s`` are the usual shortest and longest time to land.
    """

    id: str
    name: str
    kind: str
    zone: str
    currency: str
    minimum_wage: str
    robots: int
    cameras: int
    workers: int
    busy: float
    week: tuple[float, ...]
    shift_h: tuple[float, float]
    opens: tuple[int, int]
    lag_s: tuple[float, float]


WORKDAYS = (1.0, 1.05, 1.05, 1.0, 0.9, 0.3, 0.0)
EVERY_DAY = (0.7, 0.7, 0.7, 0.75, 0.8, 1.0, 0.95)
WEEKENDS = (0.75, 0.8, 0.8, 0.8, 0.9, 1.35, 1.25)

PLACES = (
    Place(
        id="home-oakland",
        name="Example home, Oakland",
        kind="home",
        zone="America/Los_Angeles",
        currency="USD",
        minimum_wage="17.34",
        robots=1,
        cameras=0,
        workers=4,
        busy=1.0,
        week=EVERY_DAY,
        shift_h=(0.9, 1.8),
        opens=(9, 17),
        lag_s=(120, 900),
    ),
    Place(
        id="facility-austin",
        name="Example facility, Austin",
        kind="facility",
        zone="America/Chicago",
        currency="USD",
        minimum_wage="7.25",
        robots=11,
        cameras=2,
        workers=72,
        busy=3.4,
        week=WORKDAYS,
        shift_h=(1.2, 2.1),
        opens=(8, 17),
        lag_s=(15, 90),
    ),
    Place(
        id="facility-porto",
        name="Example facility, Porto",
        kind="facility",
        zone="Europe/Lisbon",
        currency="EUR",
        minimum_wage="5.31",
        robots=9,
        cameras=2,
        workers=50,
        busy=2.7,
        week=WORKDAYS,
        shift_h=(1.2, 2.1),
        opens=(8, 17),
        lag_s=(15, 90),
    ),
    Place(
        id="home-leipzig",
        name="Example home, Leipzig",
        kind="home",
        zone="Europe/Berlin",
        currency="EUR",
        minimum_wage="13.90",
        robots=1,
        cameras=0,
        workers=4,
        busy=1.0,
        week=EVERY_DAY,
        shift_h=(0.9, 1.8),
        opens=(9, 17),
        lag_s=(120, 900),
    ),
    Place(
        id="facility-hyderabad",
        name="Example facility, Hyderabad",
        kind="facility",
        zone="Asia/Kolkata",
        currency="INR",
        minimum_wage="65.00",
        robots=9,
        cameras=1,
        workers=50,
        busy=2.7,
        week=WORKDAYS,
        shift_h=(1.2, 2.1),
        opens=(8, 18),
        lag_s=(15, 90),
    ),
    Place(
        id="gig-pune",
        name="Example gig site, Pune (phones)",
        kind="gig",
        zone="Asia/Kolkata",
        currency="INR",
        minimum_wage="65.00",
        robots=0,
        cameras=24,
        workers=220,
        busy=6.8,
        week=WEEKENDS,
        shift_h=(1.2, 2.8),
        opens=(7, 19),
        lag_s=(240, 9000),
    ),
)


@dataclass(frozen=True)
class Chore:
    """A task: its steps, how long it takes (s), and whether a robot or a person does it."""

    id: str
    name: str
    steps: tuple[str, ...]
    expected_s: float
    kind: Kind
    program: str
    share: float


CHORES = (
    Chore(
        "flip-egg",
        "Flip an egg",
        ("slide the spatula under", "lift", "turn over", "set down"),
        22.0,
        "robot",
        "kitchen-hands",
        1.2,
    ),
    Chore(
        "open-jar",
        "Open a jar",
        ("grasp the jar", "grasp the lid", "twist", "lift the lid off"),
        17.0,
        "robot",
        "kitchen-hands",
        1.2,
    ),
    Chore(
        "scrape-pan",
        "Scrape a greasy pan",
        ("hold the pan", "scrape the rim", "scrape the middle", "wipe", "put down"),
        40.0,
        "robot",
        "kitchen-hands",
        1.0,
    ),
    Chore(
        "fold-towel",
        "Fold a towel",
        ("spread out", "fold in half", "fold again", "smooth down"),
        34.0,
        "robot",
        "kitchen-hands",
        0.8,
    ),
    Chore(
        "scrub-toilet",
        "Scrub a toilet",
        ("lift the lid", "pour cleaner", "scrub the bowl", "wipe the seat", "flush"),
        190.0,
        "egocentric",
        "home-care",
        1.0,
    ),
    Chore(
        "fold-laundry",
        "Fold laundry",
        ("sort", "fold shirts", "fold trousers", "pair socks", "stack"),
        165.0,
        "egocentric",
        "home-care",
        1.2,
    ),
    Chore(
        "load-dishwasher",
        "Load a dishwasher",
        ("scrape plates", "fill the lower rack", "fill the upper rack", "add soap", "close"),
        150.0,
        "egocentric",
        "home-care",
        1.0,
    ),
)

PROGRAMS = (
    ("kitchen-hands", "Example Robotics", "Example kitchen hands"),
    ("home-care", "Example Humanoids", "Example home care"),
    ("shipped-robots", "Example Labs", "Example robots in homes"),
)
"""Id, customer and name. What robots record in homes goes to ``shipped-robots``."""

PACE = {
    ("kitchen-hands", "flip-egg"): 0.88,
    ("kitchen-hands", "open-jar"): 0.95,
    ("kitchen-hands", "scrape-pan"): 1.25,
    ("kitchen-hands", "fold-towel"): 1.05,
    ("home-care", "scrub-toilet"): 1.35,
    ("home-care", "fold-laundry"): 0.9,
    ("home-care", "load-dishwasher"): 1.1,
    ("shipped-robots", None): 1.15,
}
"""Target against the pace so far, by program and task: above 1 the operation is behind."""

RATES = (
    ("home-oakland", None, "paid", "24.00", "24.75"),
    ("facility-austin", None, "paid", "21.50", "22.75"),
    ("facility-porto", None, "paid", "8.40", "8.90"),
    ("home-leipzig", None, "paid", "15.20", "15.60"),
    ("facility-hyderabad", None, "paid", "130.00", "140.00"),
    ("facility-hyderabad", None, "accepted", "60.00", "60.00"),
    ("gig-pune", None, "accepted", "420.00", "450.00"),
    ("gig-pune", "scrub-toilet", "accepted", "520.00", "560.00"),
)
"""Site, task, basis, and the price of an hour before and after the change, in the site's money."""

REVIEWERS = ("r-01", "r-02", "r-03", "r-04", "r-05")

BAD_RIG = "austin-03"
"""Whose wrist camera loses its focus, a little more every day."""
BAD_DAYS = 30
LATE_RIG = "austin-05"
"""Whose wrist camera shows everything late, by less than any one episode is flagged for."""
LATE_MS = 52.0


@dataclass(frozen=True)
class Hand:
    """Somebody who is at work right now, and on what: the real recordings name them."""

    worker: str
    site: str
    rig: str
    kind: Kind

    @property
    def shift(self) -> str:
        """Id of the shift that is going on."""
        return f"s-now-{self.worker}"


def worker_ids() -> dict[str, tuple[str, ...]]:
    """The workers of each site, numbered through: w-0001 to w-0400."""
    ids: dict[str, tuple[str, ...]] = {}
    first = 1
    for place in PLACES:
        ids[place.id] = tuple(f"w-{n:04d}" for n in range(first, first + place.workers))
        first += place.workers
    return ids


def rig_ids(place: Place) -> tuple[tuple[str, Kind], ...]:
    """Rigs of a site: id and kind, robots first."""
    town = place.id.split("-")[1]
    robots, count = place.robots, place.robots + place.cameras
    return tuple(
        (f"{town}-{n:02d}", "robot" if n <= robots else "egocentric") for n in range(1, count + 1)
    )


def hands() -> tuple[Hand, ...]:
    """Two or so people of every site, each with a rig."""
    workers = worker_ids()
    crew: list[Hand] = []
    for place in PLACES:
        rigs = rig_ids(place)
        picked = sorted({0, min(4, len(rigs) - 1), len(rigs) - 1})
        crew += [
            Hand(workers[place.id][n], place.id, rigs[at][0], rigs[at][1])
            for n, at in enumerate(picked)
        ]
    return tuple(crew)


RESUBMITTER = worker_ids()["gig-pune"][0]
"""The worker who hands in clips a second time."""


def program_of(place_id: str, chore: Chore) -> str:
    """The program that a recording of this chore at this site belongs to."""
    return "shipped-robots" if place_id.startswith("home-") else chore.program


def chores_of(kind: Kind) -> tuple[Chore, ...]:
    """The chores that a robot, or a person with a camera, does."""
    return tuple(chore for chore in CHORES if chore.kind == kind)
