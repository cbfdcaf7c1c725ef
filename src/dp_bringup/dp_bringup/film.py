# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures and video of an episode, rendered after the run from the states in its log."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dp_bringup.episode_log import EpisodeLog
from dp_core.errors import DpError
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dp_sim.simulation import Simulation

Image = NDArray[np.uint8]
HEIGHT, WIDTH = 600, 800  # [px]
SPEED = 4  # seconds of the scene per second of the video
FRAMES_PER_S = 20
HOLD_S = 1.0  # the last picture of an episode stands this long
GAP = 6  # between the pictures of a strip [px]


class FilmError(DpError):
    """This machine cannot render; the message names what is missing."""


class Film:
    """Shows logged states in the scene. It belongs to the thread that made it."""

    def __init__(self) -> None:
        """Load the scene and render once.

        Raises:
            FilmError: there is no usable GL.
        """
        try:
            from dp_sim.rendering import RenderError
            from dp_sim.simulation import Simulation
        except (RuntimeError, ImportError, AttributeError) as error:
            raise _no_gl(error) from error
        self._scene: Simulation = Simulation()
        try:
            self._scene.render('view', HEIGHT, WIDTH)
        except RenderError as error:
            raise _no_gl(error) from error

    def close(self) -> None:
        """Free the scene."""
        self._scene.close()

    def picture(self, log: EpisodeLog, time_s: float) -> Image:
        """Return the scene (HEIGHT, WIDTH, 3) RGB at a time since the reset."""
        row = log.index(time_s)
        self._scene.show(log.measured[row], log.block_position[row], log.block_orientation[row])
        return self._scene.render('view', HEIGHT, WIDTH)


def _no_gl(error: Exception) -> FilmError:
    return FilmError(
        f'no pictures: MuJoCo cannot render with MUJOCO_GL={os.environ.get("MUJOCO_GL", "egl")!r} '
        '(Debian, Ubuntu: apt install libegl1 libgl1-mesa-dri); '
        f'it says: {str(error).splitlines()[0] if str(error) else type(error).__name__}'
    )


def strip_times(log: EpisodeLog, count: int) -> list[float]:
    """Return times [s] spread evenly over the goal, both ends included."""
    return [float(t) for t in np.linspace(log.begin_s, log.end_s, count)]


def video_frames(
    film: Film, logs: Sequence[EpisodeLog], show: Callable[[float], None]
) -> Iterator[Image]:
    """Yield all frames, with a caption; `show` gets the part that is done."""
    spans = [np.arange(log.begin_s, log.end_s, SPEED / FRAMES_PER_S) for log in logs]
    total, done = sum(map(len, spans)), 0
    for number, (log, times) in enumerate(zip(logs, spans), start=1):
        coverage_time_s, coverage = log.coverage_time_s, np.maximum.accumulate(log.coverage)
        image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        for time_s in times:
            best = float(np.interp(time_s, coverage_time_s, coverage))
            image = caption(
                film.picture(log, time_s),
                f'episode {number}/{len(logs)}   seed {log.seed}',
                f'{time_s - log.begin_s:5.1f} s   coverage {best:4.0%}   speed x{SPEED}',
            )
            yield image
            done += 1
            show(done / total)
        for _ in range(round(HOLD_S * FRAMES_PER_S)):
            yield image


def around_the_table(image: Image) -> Image:
    """Return the square of a picture in which things happen."""
    height, width = image.shape[:2]
    top, left, side = int(0.08 * height), int(0.24 * width), int(0.8 * height)
    return image[top : top + side, left : left + side]


def write_strip(path: Path, images: Sequence[Image], side: int = 300) -> None:
    """Write pictures side by side, each a square of `side` pixels around the table."""
    from PIL import Image as Picture

    strip = Picture.new('RGB', (len(images) * (side + GAP) - GAP, side), 'white')
    for column, image in enumerate(images):
        square = Picture.fromarray(np.ascontiguousarray(around_the_table(image)))
        strip.paste(
            square.resize((side, side), Picture.Resampling.LANCZOS), (column * (side + GAP), 0)
        )
    strip.save(path, optimize=True)


def caption(image: Image, left: str, right: str) -> Image:
    """Write a line into the lower edge of a picture."""
    from matplotlib import get_data_path
    from PIL import Image as Picture
    from PIL import ImageDraw
    from PIL import ImageFont

    picture = Picture.fromarray(image)
    draw = ImageDraw.Draw(picture, 'RGBA')
    font = ImageFont.truetype(str(Path(get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'), 19)
    height, width = image.shape[:2]
    draw.rectangle((0, height - 36, width, height), fill=(20, 24, 30, 190))
    draw.text((14, height - 29), left, font=font, fill='white')
    draw.text((width - 14, height - 29), right, font=font, fill='white', anchor='ra')
    return np.asarray(picture)
