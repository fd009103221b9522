"""Detectors of faces and of hands: the models they run are files of the user's own.

Both run in OpenCV, so nothing else need be installed. No model comes with Dailies. Which files work
is said in docs/checks.md.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""Blue, green, red; shape (h, w, 3)."""
Boxes = npt.NDArray[np.float32]
"""Left, top, width and height in pixels, and the score (0 to 1) of what was found; (k, 5)."""

PIXELS = 448 * 252
"""Of the pictures that detectors are given, about and at most: YuNet takes time in proportion, and
finds faces of some 10 pixels across and more."""
LEAST_SCORE = 0.5
"""What is less sure than this is not kept; a policy asks for more."""
OVERLAP = 0.3
"""Boxes that have more than this in common (intersection over union) are of one and the same."""


class ModelError(ValueError):
    """A model's file that is not there, or is of something else; the text says what to do."""


class Detector(Protocol):
    """Finds one kind of thing in a picture."""

    def __call__(self, picture: Picture) -> Boxes:
        """What is in a picture of about PIXELS at most. May raise cv2.error."""
        ...


class Model(Protocol):
    """Says which detector to use; a value, handed to the processes that screen."""

    @property
    def identity(self) -> str:
        """What is kept beside the measurements, so that it is known who looked."""
        ...

    def opened(self) -> Detector:
        """The detector, for one thread. May raise cv2.error."""
        ...


@dataclass(frozen=True)
class ModelFile:
    """What a file holds, so that nothing hangs on the file once it was read."""

    kind: ClassVar[str]
    remedy: ClassVar[str]
    detector: ClassVar[type[Faces | Palms]]

    name: str
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it and have it look at a blank picture. Raises ModelError."""
        try:
            model = cls(path.name, path.read_bytes())
            with _hushed():
                model.opened()(np.full((252, 448, 3), 128, np.uint8))
        except OSError as error:
            what = f"cannot be read ({error.strerror or error})"
            raise ModelError(f"{path}, to find {cls.kind} by, {what}: {cls.remedy}") from error
        except (cv2.error, ValueError) as error:
            what = f"holds no model that finds {cls.kind}"
            raise ModelError(f"{path} {what}: {cls.remedy}") from error
        return model

    @cached_property
    def identity(self) -> str:
        """The file's name and the start of its SHA-256."""
        return f"{self.name}@{hashlib.sha256(self.content).hexdigest()[:8]}"

    def opened(self) -> Detector:
        """Raises cv2.error."""
        return self.detector(self.content)


class Faces:
    """YuNet, a detector of faces at 10 pixels and more (Wu, Peng and Yu, Machine Intelligence
    Research 20, 2023), as OpenCV runs it.
    """

    def __init__(self, content: bytes) -> None:
        """Of the content of an ONNX file. Raises cv2.error where it is of something else."""
        with _hushed():
            self._net = cv2.FaceDetectorYN.create(
                "onnx", np.frombuffer(content, np.uint8), np.empty(0, np.uint8), (448, 252),
                LEAST_SCORE, OVERLAP,
            )  # fmt: skip

    def __call__(self, picture: Picture) -> Boxes:
        """Faces, each as the box around it. Raises cv2.error."""
        self._net.setInputSize((picture.shape[1], picture.shape[0]))
        found: Any = self._net.detect(picture)[1]
        if found is None:
            return np.empty((0, 5), np.float32)
        # between the box and the score are the eyes, the nose and the corners of the mouth
        return np.asarray(found[:, [0, 1, 2, 3, 14]], np.float32)


class Palms:
    """MediaPipe's detector of palms (Zhang et al., MediaPipe Hands, 2020) as an ONNX file.

    It takes 192 x 192 pixels of red, green and blue from 0 to 1, and gives for each of 2,016
    anchors how far the palm lies from it, its size, and seven points (18 values, in pixels), and
    how likely it is one (a logit).
    """

    side = 192
    grids = ((24, 2), (12, 6))
    """Cells across and anchors in each: one layer of stride 8 and three of 16, two anchors each."""

    def __init__(self, content: bytes) -> None:
        """Of the content of an ONNX file. Raises cv2.error where it is none."""
        with _hushed():
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        self._outputs = self._net.getUnconnectedOutLayersNames()
        self._anchors = np.concatenate([_centres(across, many) for across, many in self.grids])

    def __call__(self, picture: Picture) -> Boxes:
        """Hands, each as the box around its palm. Raises cv2.error, also of another model's sizes.

        The boxes are in the picture's pixels and may reach beyond it.
        """
        scale = self.side / max(picture.shape[:2])
        self._net.setInput(self._squared(picture, scale))
        places, logits = self._values(self._net.forward(self._outputs))
        # a logit beyond this is sure, and its exponential would be infinite
        scores = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
        likely = scores >= LEAST_SCORE
        sizes = places[likely, 2:4] / self.side
        corners = self._anchors[likely] + places[likely, :2] / self.side - sizes / 2
        boxes = np.concatenate([corners, sizes], axis=1) * (self.side / scale)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores[likely].tolist(), LEAST_SCORE, OVERLAP)
        at = np.asarray(kept, np.intp).ravel()
        found = np.concatenate([boxes[at], scores[likely][at, None]], axis=1)
        return np.asarray(found, np.float32)

    def _squared(self, picture: Picture, scale: float) -> npt.NDArray[np.float32]:
        """As the model wants it: (1, side, side, 3), with black to the right or below."""
        height, width = (max(round(size * scale), 1) for size in picture.shape[:2])
        small: Any = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        square = np.zeros((1, self.side, self.side, 3), np.float32)
        square[0, :height, :width] = small[..., ::-1] / np.float32(255)
        return square

    def _values(self, given: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Places (2016, 18) and logits (2016,) of what a model gave, in whatever order."""
        shaped = {tuple(one.shape): one[0] for one in given}
        count = len(self._anchors)
        if set(shaped) != {(1, count, 18), (1, count, 1)}:
            raise cv2.error(f"gives values of shape {', '.join(map(str, shaped))}")
        return shaped[1, count, 18], shaped[1, count, 1][:, 0]


def _centres(across: int, many: int) -> npt.NDArray[np.float64]:
    """The middles of a grid's cells, row by row, each ``many`` times: (across² many, 2), x, y."""
    middles = (np.arange(across) + 0.5) / across
    rows, columns = np.meshgrid(middles, middles, indexing="ij")
    return np.repeat(np.stack([columns.ravel(), rows.ravel()], axis=1), many, axis=0)


class FaceModel(ModelFile):
    """YuNet."""

    kind = "faces"
    remedy = (
        "give the path of YuNet, such as face_detection_yunet_2026may.onnx (docs/checks.md, "
        "face_in_view)"
    )
    detector = Faces


class HandModel(ModelFile):
    """MediaPipe's detector of palms."""

    kind = "hands"
    remedy = (
        "give the path of MediaPipe's palm detector as ONNX, 192 x 192 (docs/checks.md, no_hand)"
    )
    detector = Palms


@dataclass(frozen=True)
class Models:
    """The models that look for faces and for hands; None where nobody looks."""

    face: Model | None = None
    hand: Model | None = None

    @classmethod
    def at(cls, face: Path | None, hand: Path | None) -> Models:
        """The models in files, tried out. Raises ModelError."""
        return cls(
            face=FaceModel.read(face) if face is not None else None,
            hand=HandModel.read(hand) if hand is not None else None,
        )


NO_MODELS = Models()


_HUSHING = threading.RLock()


@contextmanager
def _hushed() -> Iterator[None]:
    """OpenCV writes to the error output what it raises anyhow, and that a target is left out."""
    with _HUSHING:  # the level is one for all threads
        before = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            yield
        finally:
            cv2.utils.logging.setLogLevel(before)
