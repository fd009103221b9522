"""The command line. What a command needs is imported inside it, so that all start at once.

The processes of the pool import this module again; that, too, must cost nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dailies.config import Config
from jobs.bench import BENCHMARKS
from jobs.bench import run as measured

if TYPE_CHECKING:
    from rich.progress import Progress

    from jobs.pool import Pool
    from jobs.report import Report
    from quality.measures.detectors import Models

PORT = 8501
COULD_NOT_RUN = 2
INTERRUPTED = 130

app = typer.Typer(
    name="dailies",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Screens robot training recordings the minute they land, and shows what became of them.",
)

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder for all that is written (dailies-data)."),
]
RecordOption = Annotated[
    str | None,
    typer.Option("--record", metavar="URL", help="The record's SQLAlchemy URL (SQLite in --data)."),
]
RecordingsOption = Annotated[
    list[Path] | None,
    typer.Option("--recordings", metavar="DIR", help="Folder to watch; may be given repeatedly."),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="File of limits (the house policy)."),
]
FaceModelOption = Annotated[
    Path | None,
    typer.Option("--face-model", metavar="FILE", help="YuNet as ONNX: look for faces."),
]
HandModelOption = Annotated[
    Path | None,
    typer.Option("--hand-model", metavar="FILE", help="MediaPipe's palms as ONNX: look for hands."),
]
PortOption = Annotated[
    int, typer.Option("--port", min=1, max=65535, help="Port of the dashboard, on this machine.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, help="Processes that screen (one a core)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


class Stop(Exception):
    """The command cannot run; the text says what, where and the remedy."""


@app.command()
def demo(
    port: PortOption = PORT,
    data: DataOption = None,
    workers: WorkersOption = None,
    scale: Annotated[float, typer.Option(hidden=True)] = 1.0,
    seed: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Build an example operation, screen its recordings, and serve the dashboard on it."""
    from jobs.example import build, recordings_folder
    from jobs.example.catalogue import DEFAULT_SEED
    from jobs.serve import check_port
    from jobs.up import half

    config = _config(data, None, None, None)
    check_port(port)
    seed = DEFAULT_SEED if seed is None else seed
    with _progress() as bars:
        build(config, seed=seed, scale=scale, progress=_steps(bars))
    folder = recordings_folder(config)
    config = _config(data, None, [folder], None)
    _run_halves(config, port, workers, half("landings", "land", "--seed", str(seed)))


@app.command()
def up(
    recordings: RecordingsOption = None,
    port: PortOption = PORT,
    data: DataOption = None,
    record: RecordOption = None,
    policy: PolicyOption = None,
    face_model: FaceModelOption = None,
    hand_model: HandModelOption = None,
    workers: WorkersOption = None,
) -> None:
    """Watch folders, screen what lands, and serve the dashboard: serve and intake together."""
    from jobs.serve import check_port

    config = _watching(_config(data, record, recordings, policy, face_model, hand_model))
    _models(config)
    check_port(port)
    _run_halves(config, port, workers)


@app.command()
def serve(
    port: PortOption = PORT,
    data: DataOption = None,
    record: RecordOption = None,
    recordings: RecordingsOption = None,
    policy: PolicyOption = None,
    address: Annotated[
        str, typer.Option(help="Address to listen on; put a proxy with TLS before any other.")
    ] = "127.0.0.1",
) -> None:
    """Serve the dashboard."""
    from jobs.serve import PARENT, check_port
    from jobs.serve import serve as become_the_server

    config = _config(data, record, recordings, policy)
    if config.data.is_file():
        raise Stop(f"--data {config.data} is a file: name the folder")
    check_port(port, address)
    if not config.record.startswith("sqlite"):  # the server's own words would be a traceback
        from dailies.database import open_record

        open_record(config.record).close()
    is_new = not config.data.exists()
    _make_folder(config)
    if is_new:
        _tell(f"{config.data} is new: if something should be recorded there, check --data")
    if PARENT not in os.environ:
        _tell(f"serving http://{address}:{port} (Ctrl-C stops it)")
    become_the_server(config, port, address)


@app.command()
def intake(
    recordings: RecordingsOption = None,
    data: DataOption = None,
    record: RecordOption = None,
    policy: PolicyOption = None,
    face_model: FaceModelOption = None,
    hand_model: HandModelOption = None,
    workers: WorkersOption = None,
) -> None:
    """Watch folders: screen what is there, then what lands, and enter it in the record."""
    import threading

    from jobs.intake import run_intake
    from jobs.serve import end_with_parent
    from jobs.up import stop_on_signals

    stop = threading.Event()
    stop_on_signals(stop)
    end_with_parent()
    config = _watching(_config(data, record, recordings, policy, face_model, hand_model))
    _make_folder(config)
    run_intake(config, workers=workers, stop=stop)


@app.command()
def screen(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings or folders.")],
    policy: PolicyOption = None,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="One CSV row an episode.")] = False,
    page: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="One HTML page about it all.")
    ] = None,
    clean: Annotated[
        Path | None,
        typer.Option("--export-clean", metavar="DIR", help="The good episodes, for training."),
    ] = None,
    triage: Annotated[
        bool, typer.Option("--triage", help="Look at all packets and at a sample of the pictures.")
    ] = False,
    face_model: FaceModelOption = None,
    hand_model: HandModelOption = None,
    workers: WorkersOption = None,
) -> None:
    """Screen recordings once and print a verdict per episode; needs no record.

    What all episodes of a rig or dataset tell together is said at the end, on the error output.
    Ends with status 0 where all are good, 1 where any is not, or a camera is late by all of them, 2
    where any could not be screened.
    """
    from jobs.pool import Pool, prepare, screen_all

    if json and csv:
        raise Stop("--json and --csv cannot both be: choose one")
    if triage and clean is not None:
        raise Stop("--export-clean needs every picture looked at: leave --triage out")
    if triage and (face_model or hand_model):
        raise Stop("--triage looks at too few pictures to find people: leave it or the model out")
    _refuse_unwritable("--report", page)
    prepare()
    from jobs.screen_run import ScreenRun, title_of
    from quality.policy import Policy

    config = _config(None, None, None, policy, face_model, hand_model)
    models = _models(config)
    show = _shower(json=json, csv=csv, triage=triage)
    limits = Policy.load(config.policy)
    chosen, is_broken = _chosen(paths)
    for path in chosen:
        _tell_absent(path)
    if clean is not None:
        from jobs.export_clean import refuse_full

        refuse_full(clean)
    is_cut = False
    with contextlib.ExitStack() as left, _progress() as bars:
        store = None
        if page is not None:
            store = Path(left.enter_context(tempfile.TemporaryDirectory(prefix="dailies-")))
        told = _report(store, chosen)
        run = ScreenRun(limits, show, _tell, triage=triage, report=told, keeps=clean is not None)
        many = workers or os.cpu_count() or 1
        pool = Pool(limits, workers=many, store=store, triage=triage, models=models)
        left.enter_context(_closing(pool))
        total = len(chosen)
        bar = bars.add_task("screening", total=total)
        try:
            for said in screen_all(pool, chosen):
                total += run.take(said)
                bars.update(bar, total=total, completed=run.finished)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would spoil the page
            is_cut = True
        together = run.together
        if told is not None and page is not None:
            text = told.page(title_of(paths, triage=triage), together, left=total - run.finished)
            page.write_text(text, "utf-8")
    for lag in together:
        _tell(lag.said)
    if is_cut:
        words = f"ended early, {total - run.finished} or more not screened; {run.tally.said}"
        words += f"; {page} has these" if page else ""
        _tell(words + ("; nothing was exported" if clean else ""))
        raise typer.Exit(INTERRUPTED)
    if run.finished > 1 and not (json or csv):
        _tell(run.tally.said)
    if clean is not None:
        _export(run.kept, clean)
    are_good = run.are_good and all(lag.flag is None for lag in together)
    is_broken |= run.is_broken
    raise typer.Exit(COULD_NOT_RUN if is_broken else int(not are_good))


@app.command()
def judge(
    data: DataOption = None,
    record: RecordOption = None,
    policy: PolicyOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what stands under this policy already.")
    ] = False,
) -> None:
    """Judge every episode again from its stored measurements, opening no recording."""
    from dailies.database import open_record
    from jobs.policies import in_force
    from jobs.rejudge import rejudge

    config = _config(data, record, None, policy)
    opened = open_record(config.record, create=False)
    with opened.read() as session:
        limits = in_force(session, config)
    with _progress() as bars:
        step = _steps(bars)
        done = rejudge(
            opened,
            config,
            limits,
            everything=everything,
            progress=lambda count, total: step("judging", count, total),
        )
    if done.unmeasured and not done.judged and not done.current:
        raise Stop(
            f"none of {done.unmeasured} episodes has measurements that can be read in "
            f"{config.measurements}: put them back from your backup, or land the recordings again"
        )
    typer.echo(
        f"{done.judged} episodes judged under {limits.id}, {done.changed} of them differently; "
        f"{done.current} stood under it already; {done.unmeasured} have no measurements that "
        "can be read and keep their verdict"
    )


@app.command()
def calibrate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Good recordings; none: those of the record."),
    ] = None,
    by: Annotated[
        str, typer.Option(help="Limits for each of: house, task, site, rig, camera.")
    ] = "rig",
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The policy to write.")] = Path(
        "calibrated.toml"
    ),
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="The curves, as a web page.")
    ] = None,
    name: Annotated[str, typer.Option(help="The policy's name.")] = "calibrated",
    data: DataOption = None,
    record: RecordOption = None,
    policy: PolicyOption = None,
    workers: WorkersOption = None,
) -> None:
    """Fit limits to what good recordings measure, for each rig, site or task; write a policy."""
    from jobs import calibrate as fitting

    if by not in fitting.GROUPS:
        raise Stop(f"--by {by} is not known: say one of {', '.join(fitting.GROUPS)}")
    _refuse_unwritable("--out", out)
    _refuse_unwritable("--report", report)
    config = _config(data, record, None, policy)
    limits, good = _good_recordings(config, paths or [], workers)
    curves = fitting.calibrate(good, limits, by=by)  # type: ignore[arg-type]
    fitted = fitting.fitted_policy(limits, curves, by, good)  # type: ignore[arg-type]
    note = f"Calibrated by {by} from {len(good)} good recordings; before: {limits.id}."
    out.write_text(fitted.to_toml(name, note), encoding="utf-8")
    for line in fitting.lines(curves):
        typer.echo(line)
    if report is not None:
        from jobs.calibration_page import page

        report.write_text(page(curves, note), encoding="utf-8")
        typer.echo(f"curves: {report}")
    moved = sum(one.is_moved for one in curves)
    trying = "screen" if paths else "judge"
    if moved:
        typer.echo(f"{out}: {moved} limits fitted; try it with dailies {trying} --policy {out}")
    else:
        typer.echo(f"{out}: no limit moved, so that it judges as {limits.id} does")


def _good_recordings(
    config: Config, paths: list[Path], workers: int | None
) -> tuple[Any, list[Any]]:
    """The policy to start from, and the good recordings."""
    from dailies.database import RecordUnusable, open_record
    from jobs.calibrate import camera_models, from_record, from_screened
    from jobs.policies import in_force
    from quality.policy import Policy

    limits = Policy.load(config.policy)
    cameras: dict[str, str | None] = {}
    good: list[Any] = []
    try:
        opened = open_record(config.record, create=False)
    except RecordUnusable:
        if not paths:
            raise
    else:
        with opened.read() as session:
            limits, cameras = in_force(session, config), camera_models(session)
            if not paths:
                good = list(from_record(session, cameras))
        opened.close()
    if paths:
        chosen, is_broken = _chosen(paths)
        if is_broken or not chosen:
            raise Stop("not every path holds a recording: give good recordings only")
        good = [from_screened(one, cameras) for one in _screened(chosen, limits, workers)]
    return limits, good


def _screened(chosen: list[Path], limits: Any, workers: int | None) -> Iterator[Any]:
    """Each episode, screened; those that could not be are told of and left out."""
    from jobs.pool import Broken, Done, Pool, screen_all

    pool = Pool(limits, workers=workers or os.cpu_count() or 1)
    with _closing(pool):
        for report in screen_all(pool, chosen):
            if isinstance(report, Done) and report.screened.error is None:
                yield report.screened
            elif isinstance(report, Broken):
                _tell(report.message)
            elif isinstance(report, Done):
                _tell(f"left out, since it cannot be read whole: {report.screened.error}")


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.csv...")],
    kind: Annotated[
        str | None,
        typer.Option(
            help="What the rows are: site, rig, worker, task, program, target, rate, shift, appeal."
        ),
    ] = None,
    data: DataOption = None,
    record: RecordOption = None,
) -> None:
    """Bring in sites, rigs, workers, tasks, programs, targets, rates, shifts, appeals from CSV.

    A file comes in whole or not at all; every bad cell is told by line and column.
    """
    from dailies.database import open_record
    from dailies.importing import ImportRefused, import_csv

    config = _config(data, record, None, None)
    _make_folder(config)
    opened = open_record(config.record)
    is_refused = False
    for file in files:
        if not file.is_file():
            is_refused = True
            _tell(f"{file} is not there: check the path")
            continue
        try:
            done = import_csv(opened, file, kind)
        except (ImportRefused, OSError, UnicodeDecodeError) as error:
            is_refused = True
            _tell(_plain(error, file))
        else:
            typer.echo(f"{file}: {done.kind}: {done.inserted} new, {done.updated} changed")
    if is_refused:
        raise typer.Exit(COULD_NOT_RUN)


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help=f"What to measure: {', '.join(BENCHMARKS)}."),
    ] = None,
    json: JsonOption = False,
    full: Annotated[bool, typer.Option("--full", help="At full size: an hour of video.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="What every measure and check costs, as does profile.")
    ] = False,
) -> None:
    """Measure Dailies itself, as ratios or values of one run; without a name, all of it."""
    chosen = [*(names or []), *(["profile"] if profile else [])]
    for line in measured(chosen, full=full, is_json=json, tell=_tell):
        typer.echo(line)


@app.command(hidden=True)
def land(seed: Annotated[int, typer.Option()], data: DataOption = None) -> None:
    """Let recordings of the example land, one after the other."""
    from jobs.example import landings, recordings_folder
    from jobs.serve import end_with_parent

    end_with_parent()
    for _ in landings(recordings_folder(_config(data, None, None, None)), seed=seed):
        pass


def main() -> None:
    """The command ``dailies``: whatever goes wrong is one line and status 2, never a traceback."""
    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(COULD_NOT_RUN) from None
    except Exception as error:
        if os.environ.get("DAILIES_TRACE"):
            raise
        _tell(_plain(error))
        raise SystemExit(COULD_NOT_RUN) from None


def _plain(error: Exception, file: Path | None = None) -> str:
    """An error in plain words: those of our own say all; of others, what they are."""
    ours = type(error).__module__.split(".")[0] in ("dailies", "jobs", "quality", "__main__")
    if ours and str(error):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = error.filename or file
        return f"{place}: {error.strerror}" if place else error.strerror
    first = (str(error).splitlines() or [""])[0]
    place = f"{file}: " if file else ""
    return f"{place}{type(error).__name__}: {first} (DAILIES_TRACE=1 shows where)"


def _config(
    data: Path | None,
    record: str | None,
    recordings: list[Path] | None,
    policy: Path | None,
    face_model: Path | None = None,
    hand_model: Path | None = None,
) -> Config:
    """From the environment, and over it what the command line says."""
    env = Config.from_environment()
    if policy is not None and not policy.is_file():
        raise Stop(f"--policy {policy} is not there: check the path")
    chosen = policy or env.policy
    return Config.of(
        data or env.data,
        record=_absolute(record or os.environ.get("DAILIES_RECORD")),
        recordings=tuple(recordings or env.recordings),
        policy=chosen.resolve() if chosen else None,
        face_model=face_model or env.face_model,
        hand_model=hand_model or env.hand_model,
    )


def _models(config: Config) -> Models | None:
    """The models that look for people, tried out; None, and nothing is loaded, where none is given.

    Raises ModelError for one that cannot.
    """
    if config.face_model is None and config.hand_model is None:
        return None
    from quality.measures.detectors import Models

    return Models.at(config.face_model, config.hand_model)


def _absolute(record: str | None) -> str | None:
    """An SQLite record's path counts from here, also for processes that run elsewhere."""
    scheme, mark, path = (record or "").partition(":///")
    if mark and scheme.startswith("sqlite") and path and path != ":memory:" and "file:" not in path:
        return f"{scheme}:///{Path(path).expanduser().resolve()}"
    return record or None


def _make_folder(config: Config) -> None:
    try:
        config.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(
            f"--data {config.data} cannot be made ({error.strerror}): name a folder in which you "
            "may write"
        ) from error


def _watching(config: Config) -> Config:
    if not config.recordings:
        raise Stop("no folder to watch: say --recordings DIR")
    for folder in config.recordings:
        if not folder.is_dir():
            raise Stop(f"--recordings {folder} is no folder: make it, or check the path")
        if config.data.resolve().is_relative_to(folder.resolve()):
            raise Stop(
                f"the data folder {config.data} lies in the watched folder {folder}, so that what "
                "Dailies writes would be taken for recordings: name a folder outside with --data"
            )
    return config


def _run_halves(config: Config, port: int, workers: int | None, *more: Any) -> None:
    from jobs.up import Keeper, announce_when_up, half, stop_on_signals

    _make_folder(config)
    many = ["--workers", str(workers)] if workers else []
    halves = [half("app", "serve", "--port", str(port)), half("intake", "intake", *many), *more]
    keeper = Keeper(halves, config.to_environment(), _tell)
    stop_on_signals(keeper.stop)
    watched = ", ".join(map(str, config.recordings))
    _tell(f"watching {watched}; writing to {config.data}")
    announce_when_up(f"http://127.0.0.1:{port}", _tell, keeper.stop)
    keeper.run()


def _chosen(paths: list[Path]) -> tuple[list[Path], bool]:
    """The recordings at some paths, and whether any path held none (which is said)."""
    from dailies.recordings import recordings_in

    chosen: list[Path] = []
    is_broken = False
    for path in paths:
        if not path.exists():
            _tell(f"{path} is not there: check the path")
            is_broken = True
            continue
        found = recordings_in(path) if path.is_dir() else [path]
        if not found and path.is_dir():
            _tell(f"{path}: no recording is in this folder: see docs/formats.md for what is read")
            is_broken = True
        chosen += found
    return list(dict.fromkeys(chosen)), is_broken


def _report(store: Path | None, chosen: list[Path]) -> Report | None:
    if store is None:
        return None
    from jobs.report import Report

    folders = {path.absolute().parent for path in chosen}
    return Report(store, Path(os.path.commonpath(folders)) if folders else None)


def _refuse_unwritable(option: str, file: Path | None) -> None:
    """Stop before hours of work for a file that could not be written after it."""
    if file is None:
        return
    if file.is_dir():
        raise Stop(f"{option} {file} is a folder: name a file in it")
    if not file.absolute().parent.is_dir():
        raise Stop(f"{option} {file}: there is no folder {file.parent}: make it, or name another")
    if not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise Stop(f"{option} {file} cannot be written: name a file where you may write")


def _export(screened: list[Any], folder: Path) -> None:
    from jobs.export_clean import export_clean

    done = export_clean(screened, folder)
    _tell(f"{folder}: {done.episodes} good episodes listed")
    for root, count in done.datasets.items():
        _tell(f"{root}: LeRobot v3.0 dataset of {count} episodes")
    if done.encoded_anew:
        _tell(f"{done.encoded_anew} videos could not be cut exactly and were encoded anew")


def _tell_absent(path: Path) -> None:
    """Say how many episodes a dataset lists of which no file is here: they get no verdict."""
    from dailies.recordings import absent_at
    from dailies.recordings.files import READ_ERRORS

    absent: tuple[int, ...] = ()
    with contextlib.suppress(*READ_ERRORS):  # a dataset that cannot be read, screening tells of
        absent = absent_at(path) if path.is_dir() else ()
    if absent:
        count = "1 listed episode is" if len(absent) == 1 else f"{len(absent)} listed episodes are"
        which = ", ".join(map(str, absent[:5])) + (", ..." if len(absent) > 5 else "")
        _tell(f"{path}: {count} not in this copy ({which}): copy the rest to have it screened")


def _shower(*, json: bool, csv: bool, triage: bool = False) -> Callable[[Any], None]:
    """Prints one verdict at a time, the header before the first."""
    from jobs.printing import csv_line, json_line, table_lines

    if json:
        return lambda screened: print(json_line(screened), flush=True)
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    line = csv_line if csv else lambda one: table_lines(one, coloured=coloured)
    print(table_lines(None, triage=triage) if not csv else line(None), flush=True)
    return lambda screened: print(line(screened), flush=True)


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    """Progress bars on the error output, where a person looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        yield bars


def _steps(bars: Progress) -> Callable[[str, int, int], None]:
    """A bar for each name that is reported."""
    known: dict[str, Any] = {}

    def step(name: str, done: int, total: int) -> None:
        if name not in known:
            known[name] = bars.add_task(name, total=total)
            if bars.disable:
                _tell(f"{name} ...")
        bars.update(known[name], completed=done, total=total)

    return step


@contextlib.contextmanager
def _closing(pool: Pool) -> Iterator[None]:
    try:
        yield
    finally:
        pool.close()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
