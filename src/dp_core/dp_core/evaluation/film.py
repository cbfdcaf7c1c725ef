# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Videos of episodes: their actions are executed once more, in a scene that draws itself."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
from dp_core.evaluation.episode import EnvSpec
from dp_core.evaluation.episode import make_env
from dp_core.evaluation.rollout import EpisodeResult
from dp_core.evaluation.video import write_video
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
SMALLEST_SIDE = 240  # smaller pictures are enlarged, so that the caption fits


def film_best_and_worst(
    spec: EnvSpec, results: Sequence[EpisodeResult], folder: Path, dt_s: float
) -> dict[str, dict[str, Any]]:
    """Write `best.mp4` and `worst.mp4`, at twice the speed of the scene.

    Args:
        spec: the scene.
        results: of `roll_out`, with their actions.
        folder: where the videos go; made where it is missing.
        dt_s: policy step [s].

    Returns:
        for 'best' and 'worst': file, seed, and the scores of the episode and of its repetition,
        which differ where a scene is not repeatable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_score = sorted(results, key=lambda result: result.score)
    videos = {}
    for name, result in (('best', by_score[-1]), ('worst', by_score[0])):
        frames, score = repeat(spec, result)
        path = folder / f'{name}.mp4'
        write_video(path, frames, rate=Fraction(2) / Fraction(dt_s).limit_denominator(1000))
        told = {'seed': result.seed, 'score': result.score, 'score_when_repeated': score}
        videos[name] = {'file': path.name, **told}
    return videos


def repeat(spec: EnvSpec, result: EpisodeResult) -> tuple[list[Image], float]:
    """Execute the actions of an episode again; return its pictures and its score."""
    env = make_env(spec, render=True)
    try:
        env.reset(seed=result.seed)
        frames, score = [caption(env.render(), result.seed, 0.0)], 0.0
        for action in result.actions:
            _, reward, _, _, info = env.step(action)
            score = max(score, spec.score(reward, info))
            frames.append(caption(env.render(), result.seed, score))
    finally:
        env.close()
    return frames, score


def caption(picture: Image, seed: int, score: float) -> Image:
    """Write seed and score so far into a picture (H, W, 3), enlarged where it is small."""
    scale = max(1, -(-SMALLEST_SIDE // min(picture.shape[:2])))
    size = picture.shape[1] * scale // 2 * 2, picture.shape[0] * scale // 2 * 2
    large = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
    place, font = (8, size[1] - 10), cv2.FONT_HERSHEY_SIMPLEX
    text = f'seed {seed}   score {score:.2f}'
    for colour, width in (((255, 255, 255), 4), ((30, 30, 30), 1)):
        cv2.putText(large, text, place, font, 0.5, colour, width, cv2.LINE_AA)
    return np.asarray(large, np.uint8)
