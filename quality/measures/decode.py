"""One decode pass over a camera: pictures in, a few numbers per picture out.

Frames are measured by a thread beside those in which FFmpeg decodes the next ones; only a few are
kept and none is converted to colour, so memory does not grow with the recording but for a few
numbers a frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dailies.recordings.contract import (
    Camera,
    Carried,
    CarriedPicture,
    Clock,
    StillsFile,
    VideoFile,
)
from dailies.recordings.files import READ_ERRORS
from dailies.recordings.stills import stills_in
from dailies.recordings.units import unit_decoder
from dailies.words import NS
from quality.measures.detectors import NO_MODELS, Models
from quality.measures.detectors import Picture as Colours
from quality.measures.people import searches, shown_size
from quality.measures.pictures import CURVES, Pictures
from quality.measures.planes import (
    FULL_RANGE,
    TINT_POINTS,
    VIDEO_RANGE,
    Chroma,
    Levels,
    Plane,
    chroma_points,
)
from quality.measures.sketch import CELLS
from quality.measures.take import Take, words_of
from quality.measures.timed import delays_ms

PLANAR = {
    "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray",
    "yuva420p", "yuv410p", "yuv411p", "yuv440p",
}  # fmt: skip
"""Pixel formats whose first plane is 8-bit luma, which can be read where it lies."""
COLOURED = {
    "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuva420p", "yuv410p",
    "yuv411p", "yuv440p",
}  # fmt: skip
"""Those of them whose second and third planes are the chroma."""
THUMBNAIL_WIDTH = 320
SILENTLY = 0.01
"""Share of a file's packets of which no picture comes, above which they are looked for."""
BEYOND = 3
"""Pictures in a row after a source's end at which decoding stops: a single stamp may be wrong."""
JPEG_FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG."""


def measure_camera(camera: Camera, *, threads: int = 0, models: Models = NO_MODELS) -> Pictures:
    """Decode a camera's pictures once and measure every one; ``threads`` 0 means as FFmpeg likes.

    With ``models`` people are looked for, see ``people``; they must have been checked. Otherwise it
    never raises for a damaged source: ``Pictures.error`` says what, ``lost_from_ns`` from when.
    """
    # OpenCV's own threads would wait for the cores that decoding keeps busy
    cv2.setNumThreads(1)
    looking = searches(models)
    if threads == 1:
        return _pictures(camera, _taken(camera, Take(searches=looking), threads))
    with ThreadPoolExecutor(1) as beside:
        return _pictures(camera, _taken(camera, Take(beside, searches=looking), threads))


def _taken(camera: Camera, take: Take, threads: int) -> Take:
    if isinstance(camera.source, VideoFile):
        _take_video(camera.source, take, threads)
    elif isinstance(camera.source, StillsFile):
        _take_stills(camera.source, camera.declared_rate_hz, take)
    elif camera.source is not None:
        _take_carried(camera.source, take, threads)
    return take


def _take_video(source: VideoFile, take: Take, threads: int) -> None:
    try:
        with av.open(str(source.path), metadata_errors="replace") as container:
            if source.track >= len(container.streams.video):
                take.fault(f"{source.path.name} holds no video stream")
                return
            stream = container.streams.video[source.track]
            _take_stream(container, stream, source, take, threads)
    except (av.FFmpegError, OSError, ValueError, OverflowError, MemoryError) as error:
        take.fault(f"{source.path.name}: {words_of(error)}")
        take.stopped = True


def _take_stream(
    container: InputContainer, stream: VideoStream, source: VideoFile, take: Take, threads: int
) -> None:
    clock = set_up(container, stream, source, take, threads)
    to_start(container, stream, clock)
    beyond = 0
    for frame in _frames(container, stream, clock, take):
        at_s = clock.seconds(frame.pts, take.count)
        if clock.holds(at_s):
            take_frame(take, at_s, frame, clock)
            beyond = 0
        elif clock.is_past(at_s):
            # decoders hand pictures out in order of time: what follows is another episode's
            beyond += 1
            if beyond == BEYOND:
                return


def set_up(
    container: InputContainer, stream: VideoStream, source: VideoFile, take: Take, threads: int
) -> StreamClock:
    """Make a stream ready to be decoded; what it says of itself is entered in ``take``.

    Raises ValueError for a codec that FFmpeg does not know.
    """
    if stream.codec_context is None:
        raise ValueError("its pictures are of a codec that FFmpeg does not know")
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    clock = StreamClock.of(container, stream, source)
    whole = source.start_s <= 0 and source.end_s is None
    take.codec = stream.codec_context.name
    take.container_count = stream.frames or None if whole else None
    take.period_s = clock.period_s
    return clock


def to_start(container: InputContainer, stream: VideoStream, clock: StreamClock) -> None:
    """Go to where the source begins in its file."""
    if clock.start_s > 0:
        # a rounded bound may lie just before the key picture with which the source begins
        target = round(clock.first + (clock.start_s + clock.period_s / 8) / clock.unit)
        container.seek(max(target, 0), stream=stream)


def take_frame(take: Take, at_s: float, frame: VideoFrame, clock: StreamClock) -> None:
    """Take a picture of a file: its numbers, its size as shown, whether it came out damaged, and
    the thumbnail, where it is the first one or that at the middle."""
    # before another thread may draw on the frame
    if take.thumbnail is None or (at_s >= clock.length_s / 2 and not take.is_at_middle):
        # the first one stands where the middle never comes; no frame is kept for it
        take.thumbnail = thumbnail_of(frame) or take.thumbnail
        take.is_at_middle = at_s >= clock.length_s / 2
    see_frame(take, at_s, frame)
    if frame.is_corrupt:
        take.corrupt_seconds.append(at_s)
    take.width, take.height = frame.width, frame.height
    if turns_of(frame) % 2:
        take.width, take.height = frame.height, frame.width


@dataclass(frozen=True)
class StreamClock:
    """Turns a stream's time stamps into seconds from the start of the source."""

    first: int  # the container's start, in the stream's units
    unit: float
    start_s: float
    end_s: float | None
    period_s: float
    length_s: float

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream, source: VideoFile) -> StreamClock:
        """The clock of a stream that was just opened."""
        unit = float(stream.time_base or Fraction(1, 1000))
        start_s = (container.start_time or 0) / av.time_base
        rate = stream.average_rate or stream.guessed_rate
        length_s = (container.duration or 0) / av.time_base
        return cls(
            first=round(start_s / unit),
            unit=unit,
            start_s=source.start_s,
            end_s=source.end_s,
            period_s=1 / float(rate) if rate else 0.0,
            length_s=(source.end_s or length_s) - source.start_s,
        )

    def seconds(self, pts: int | None, index: int) -> float:
        """Seconds from the start of the source; by the frame's number where it has no stamp."""
        if pts is None:
            return index * self.period_s
        return (pts - self.first) * self.unit - self.start_s

    def holds(self, at_s: float) -> bool:
        """Whether a picture belongs to the source; half a period allows for rounded bounds."""
        is_before = self.start_s > 0 and at_s < -self.period_s / 2
        return not is_before and not self.is_past(at_s)

    def is_past(self, at_s: float) -> bool:
        """Whether a picture comes after the source's end."""
        return self.end_s is not None and at_s >= self.end_s - self.start_s - self.period_s / 2

    def is_over(self, at_s: float) -> bool:
        """Whether reading can stop: a second on, so that reordered frames have come out."""
        return self.end_s is not None and at_s > self.end_s - self.start_s + 1.0


def _frames(
    container: InputContainer, stream: VideoStream, clock: StreamClock, take: Take
) -> Iterator[VideoFrame]:
    """Every frame that can be decoded; errors are counted and decoding goes on after them."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError) as error:
            take.fault(words_of(error))
            return
        if packet.is_discard:
            # before where a trimmed file begins: decoded for the pictures after it, never shown
            take.container_count = take.container_count and take.container_count - 1
        elif packet.size and packet.pts is not None:
            at_s = clock.seconds(packet.pts, 0)
            if clock.is_over(at_s):
                yield from decoded(stream.codec_context, None, take)
                return
            if clock.holds(at_s):
                take.packet_seconds.append(at_s)
                if packet.is_keyframe:
                    take.key_bytes.append(packet.size)
        elif packet.size:
            take.packet_seconds.append(len(take.packet_seconds) * clock.period_s)
        yield from decoded(stream.codec_context, packet, take)


def decoded(decoder: Any, packet: Any, take: Take) -> list[VideoFrame]:
    """The frames that a packet (None: the end) brings out; errors are counted."""
    try:
        return list(decoder.decode(packet))
    except (av.FFmpegError, OSError, ValueError) as error:
        # the end of the stream is told as an error where a flushed decoder is flushed again
        if not isinstance(error, av.EOFError):
            take.fault(words_of(error))
        return []


def see_frame(take: Take, at_s: float, frame: VideoFrame) -> None:
    """Take a decoded picture."""
    luma, colours = partial(luma_of, frame), partial(frame_chroma, frame)
    take.see(at_s, luma, colours, is_key=bool(frame.key_frame), shown=partial(shown_of, frame))


def luma_of(frame: VideoFrame) -> tuple[Plane, Levels]:
    """The luma plane, in place where the format allows, and how its codes are spread."""
    name = frame.format.name
    if name not in PLANAR:
        frame = frame.reformat(format="gray")  # swscale stretches it to full range
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    luma = luma[: frame.height, : frame.width]
    full = name not in PLANAR or name == "gray" or name.startswith("yuvj")
    return luma, FULL_RANGE if full or frame.color_range == JPEG_FULL_RANGE else VIDEO_RANGE


def frame_chroma(frame: VideoFrame) -> Chroma | None:
    """Points of a decoded picture's chroma planes; None where its format holds none."""
    if frame.format.name not in COLOURED:
        return None
    blue, red = (
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
        for plane in frame.planes[1:3]
    )
    return chroma_points(blue, red) if min(blue.shape) else None


def _drawn_chroma(picture: npt.NDArray[np.uint8]) -> Chroma | None:
    """Points of the colour of a picture in BGR, sampled before it is converted."""
    if picture.ndim != 3 or picture.shape[2] < 3:
        return None
    rows, columns = (max(size // TINT_POINTS, 1) for size in picture.shape[:2])
    points = np.ascontiguousarray(picture[::rows, ::columns, :3])
    converted: Any = cv2.cvtColor(points, cv2.COLOR_BGR2YCrCb)
    return chroma_points(converted[..., 2], converted[..., 1])


def thumbnail_of(frame: VideoFrame) -> bytes | None:
    """A small JPEG of a frame, turned as it is to be shown."""
    height = max(round(frame.height * THUMBNAIL_WIDTH / frame.width / 2) * 2, 2)
    try:
        small = frame.reformat(width=THUMBNAIL_WIDTH, height=height, format="bgr24").to_ndarray()
    except (av.FFmpegError, ValueError):
        return None  # a picture nobody can draw is still measured
    return _jpeg(_upright(frame, small))


def shown_of(frame: VideoFrame) -> Colours:
    """A frame as it is to be shown, turned, in blue, green and red and small enough to look at."""
    width, height = shown_size(frame.width, frame.height)
    # twice as quick as what swscale does unless told, and detectors find the same
    small = frame.reformat(width, height, "bgr24", interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(_upright(frame, small), np.uint8)


def _shown_drawn(picture: npt.NDArray[np.uint8], is_rgb: bool = False) -> Colours | None:
    """A drawn picture likewise; None where it is grey."""
    if picture.ndim != 3 or picture.shape[2] < 3:
        return None
    size = shown_size(picture.shape[1], picture.shape[0])
    small: Any = cv2.resize(picture[..., :3], size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1] if is_rgb else small)


def turns_of(frame: VideoFrame) -> int:
    """Quarter turns to the left by which the file says the picture is to be shown."""
    # a display matrix that is no rotation gives a number far out of range
    return round(frame.rotation / 90) % 4 if abs(frame.rotation) <= 360 else 0


def is_turned(frame: VideoFrame) -> bool:
    """Whether the file says to show the picture otherwise than it was encoded."""
    return turns_of(frame) != 0 or _mirrored_turns(frame) is not None


def _upright(frame: VideoFrame, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A frame's pixels turned, and mirrored, as the file says they are to be shown."""
    turns = _mirrored_turns(frame)
    if turns is None:
        return np.rot90(picture, turns_of(frame))
    return np.rot90(picture, turns)[:, ::-1]


def _mirrored_turns(frame: VideoFrame) -> int | None:
    """Quarter turns to the left after which the picture is to be mirrored left to right; None where
    it is not to be mirrored.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    # x' = a x + c y and y' = b x + d y, as 16.16 fixed-point numbers (ISO/IEC 14496-12, 8.3.2)
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].astype(float)
    if a * d - b * c >= 0:
        return None
    return round(-math.atan2(b, -a) / (math.pi / 2)) % 4


def _jpeg(picture: npt.NDArray[Any]) -> bytes | None:
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return encoded.tobytes() if done else None


def _take_stills(source: StillsFile, rate_hz: float | None, take: Take) -> None:
    take.codec = "stills"
    take.period_s = 1 / rate_hz if rate_hz else 0.0
    middle = (source.stop - source.start) // 2
    try:
        for index, content in enumerate(stills_in(source)):
            at_s = index * take.period_s
            take.packet_seconds.append(at_s)
            picture = _still(content)
            if picture is None:
                take.fault(f"picture {source.start + index} cannot be decoded")
                continue
            luma, colours = partial(_drawn_luma, picture), partial(_drawn_chroma, picture)
            take.see(at_s, luma, colours, shown=partial(_shown_drawn, picture))
            take.height, take.width = picture.shape[:2]
            if take.thumbnail is None and index >= middle:
                scale = THUMBNAIL_WIDTH / picture.shape[1]
                take.thumbnail = _jpeg(cv2.resize(picture, None, fx=scale, fy=scale))
    except (OSError, ValueError, KeyError) as error:
        take.fault(f"{source.path.name}: {words_of(error)}")
        take.stopped = True


def _still(content: bytes | None) -> npt.NDArray[np.uint8] | None:
    if not content:
        return None
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]
    except cv2.error:
        return None


def _take_carried(source: Carried, take: Take, threads: int) -> None:
    take.codec = source.coding
    try:
        if source.coding in ("still", "raw"):
            for picture in source.pictures():
                _take_single(picture, take)
        else:
            _take_units(source, take, threads)
    except (*READ_ERRORS, av.FFmpegError) as error:
        take.fault(f"{source.path.name}: {words_of(error)}")
        take.stopped = True


def _take_single(picture: CarriedPicture, take: Take) -> None:
    """Measure a picture that can be drawn without those before it."""
    at_s = picture.time_ns / NS
    take.packet_seconds.append(at_s)
    content = picture.content
    drawn = content if isinstance(content, np.ndarray) else _still(content)
    if drawn is None or not drawn.size:
        take.fault(f"the picture at {at_s:.3f} s cannot be decoded")
        return
    is_raw = drawn is content
    luma = partial(_drawn_luma, drawn, cv2.COLOR_RGB2GRAY if is_raw else cv2.COLOR_BGR2GRAY)
    in_bgr: Any = drawn[..., ::-1] if is_raw and drawn.ndim == 3 else drawn
    shown_to = partial(_shown_drawn, drawn, is_raw)
    take.see(at_s, luma, partial(_drawn_chroma, in_bgr), shown=shown_to)
    take.height, take.width = drawn.shape[:2]
    if _is_landmark(take.count):
        shown = cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR) if is_raw and drawn.ndim == 3 else drawn
        scale = THUMBNAIL_WIDTH / shown.shape[1]
        take.thumbnail = _jpeg(cv2.resize(shown, None, fx=scale, fy=scale))


def _take_units(source: Carried, take: Take, threads: int) -> None:
    """Decode the access units of a video stream; each picture keeps the time of its unit."""
    decoder = unit_decoder(source.coding, threads=threads)
    for picture in source.pictures():
        take.packet_seconds.append(picture.time_ns / NS)
        if isinstance(picture.content, bytes) and picture.content:
            packet = av.Packet(picture.content)
            packet.pts, packet.time_base = picture.time_ns, Fraction(1, NS)
            _take_frames(decoder, packet, take)
        else:
            take.fault(f"the picture at {picture.time_ns / NS:.3f} s holds nothing")
    _take_frames(decoder, None, take)


def _take_frames(decoder: Any, packet: Any, take: Take) -> None:
    for frame in decoded(decoder, packet, take):
        at_s = frame.pts / NS if frame.pts is not None else take.count * take.period_s
        if _is_landmark(take.count + 1):  # before another thread may draw on the frame
            take.thumbnail = thumbnail_of(frame) or take.thumbnail
        see_frame(take, at_s, frame)
        if frame.is_corrupt:
            take.corrupt_seconds.append(at_s)
        take.width, take.height = frame.width, frame.height


def _is_landmark(count: int) -> bool:
    """True at powers of two: the last of them lies in the later half, however long it gets."""
    return count & (count - 1) == 0


def _drawn_luma(
    picture: npt.NDArray[np.uint8], colours: int = cv2.COLOR_BGR2GRAY
) -> tuple[Plane, Levels]:
    grey: Any = picture if picture.ndim == 2 else cv2.cvtColor(picture, colours)
    return np.ascontiguousarray(grey), FULL_RANGE


def _pictures(camera: Camera, take: Take) -> Pictures:
    table = take.table()
    seconds = np.array(take.seconds, dtype=np.float64)
    # reordered files hand out frames out of time; the numbers follow their pictures
    order = np.argsort(seconds, kind="stable")
    container_ns = np.round(seconds[order] * NS).astype(np.int64) + camera.offset_ns
    times_ns, clock = times_of(camera, container_ns)
    delay_median_ms, delay_max_ms = delays_ms(camera.delays_ns)
    curves: dict[str, Any] = {
        name: table[order, at].astype(np.float32) for at, name in enumerate(CURVES)
    }
    rank = np.argsort(order)
    sketched, cells = _sketch(take, rank)
    steps = take.steps.told()
    people = {name: of for one in take.searches for name, of in one.numbers(rank).items()}
    return Pictures(
        name=camera.name,
        times_ns=times_ns,
        sketched=sketched,
        cells=cells,
        repeat=table[order, len(CURVES)].astype(np.bool_),
        motion_two=np.array(take.two, np.float32)[order],
        step_share=steps.share[order],
        step_error=steps.error[order],
        loss_odds=steps.odds[order],
        loss_blocks=steps.blocks[order],
        loss_amount=steps.amount[order],
        way=steps.way[order],
        keys=np.flatnonzero(np.isin(order, take.keys)).astype(np.int32),
        key_bytes=_key_bytes(take),
        width=take.width,
        height=take.height,
        codec=take.codec,
        clock=clock,
        packet_count=len(take.packet_seconds) or None,
        container_count=take.container_count,
        declared_count=camera.declared_count,
        declared_rate_hz=camera.declared_rate_hz,
        broken_count=len(take.corrupt_seconds),
        error_count=take.error_count,
        error=error_of(take),
        lost_from_ns=_lost_from(take, camera.offset_ns),
        thumbnail=take.thumbnail,
        delay_median_ms=delay_median_ms,
        delay_max_ms=delay_max_ms,
        sizes=tuple(f"{width}x{height}" for _, width, height in take.sizes),
        resized_ns=tuple(_seen_at(take, order, times_ns)[1:]),
        **_grids(take, rank),
        **take.view.numbers,
        **people,
        **curves,
    )


def _sketch(
    take: Take, rank: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
    """Numbers of the sketched pictures in order of time, and their cells one after another."""
    sketched = rank[take.sketched].astype(np.int32)
    cells = np.frombuffer(bytes(take.cells), np.uint16).reshape(len(sketched), CELLS)
    by_time = np.argsort(sketched, kind="stable")
    return sketched[by_time], cells[by_time].ravel()


def _key_bytes(take: Take) -> npt.NDArray[np.int32]:
    return np.array(take.key_bytes, np.int32)


def _grids(take: Take, rank: npt.NDArray[np.intp]) -> dict[str, Any]:
    """The fields of ``Pictures`` that begin with ``grid_``, in order of time."""
    numbers = rank[[number for number, _ in take.gridded]].astype(np.int32)
    by_time = np.argsort(numbers, kind="stable")
    grids = np.array([grid for _, grid in take.gridded], np.float32).reshape(-1, 3)[by_time]
    share, pitch_px, spread = (np.ascontiguousarray(column) for column in grids.T)
    looked = numbers[by_time]
    return {
        "grid_looked": looked,
        "grid_share": share,
        "grid_px": pitch_px,
        "grid_spread": spread,
    }


def _seen_at(take: Take, order: npt.NDArray[np.intp], times_ns: npt.NDArray[np.int64]) -> list[int]:
    """The times of the pictures with which each of ``sizes`` began."""
    firsts = [number for number, _, _ in take.sizes]
    return [int(time) for time in times_ns[np.argsort(order)[firsts]]]


def error_of(take: Take) -> str | None:
    broken = len(take.corrupt_seconds)
    damaged = f"{broken} {'picture' if broken == 1 else 'pictures'} came out damaged"
    words = [*take.errors, damaged] if broken else take.errors
    return "; ".join(words) or None


def times_of(
    camera: Camera, container_ns: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], Clock]:
    """The pictures' times, and the clock that they are of.

    A container whose intervals are all alike was stamped by counting: it cannot show a gap.
    """
    given = camera.times_ns
    if camera.source is not None and not isinstance(camera.source, VideoFile | StillsFile):
        return container_ns, camera.source.clock
    if given is not None and len(given) >= len(container_ns):
        return np.asarray(given[: len(container_ns)], dtype=np.int64), "measured"
    if len(container_ns) < 3 or isinstance(camera.source, StillsFile):
        return container_ns, "grid"
    intervals = np.diff(container_ns)
    # containers round stamps to as much as a millisecond
    return container_ns, "measured" if np.ptp(intervals) > 2_500_000 else "grid"


def _lost_from(take: Take, offset_ns: int) -> int | None:
    """Time of the first packet that gave no picture, or a broken one; None if none did.

    A decoder that says nothing may be waiting for a key picture; a few it leaves out by right.
    """
    lost = list(take.corrupt_seconds)
    missing = len(take.packet_seconds) - len(take.seconds)
    if take.error_count or missing > SILENTLY * len(take.packet_seconds):
        seen = {round(at_s * 1e4) for at_s in take.seconds}
        lost += [at_s for at_s in take.packet_seconds if round(at_s * 1e4) not in seen]
    if take.stopped and not lost:
        lost = [max(take.seconds, default=0.0) + take.period_s if take.seconds else 0.0]
    return round(min(lost) * NS) + offset_ns if lost else None
