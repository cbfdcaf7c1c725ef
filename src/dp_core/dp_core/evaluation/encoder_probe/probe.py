# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Trains an image encoder with one linear layer to tell poses, and measures how well it does."""

from __future__ import annotations

from dataclasses import dataclass
import math
import time

from dp_core.config import PolicyConfig
from dp_core.encode import image_encoder
from dp_core.encode import unit_images
from dp_core.evaluation.encoder_probe.pictures import draw_pictures
from dp_core.evaluation.encoder_probe.pictures import SIDE
import numpy as np
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

LEARNING_RATE = 1e-3
WARMUP = 30
BATCH = 64
UNSEEN = 512
_TIMED = 20


@dataclass(frozen=True)
class Seen:
    """What an encoder sees after training; errors are medians over unseen pictures.

    Attributes:
        encoder: by its name in the settings.
        parameters: of the encoder.
        block_px: distance of the block's place [pixel].
        block_deg: distance of its direction [degree].
        tool_px: distance of the tool's place [pixel].
        train_cpu_s: processor time of the steps, without that of drawing [s].
        frame_ms: processor time of encoding one picture alone, median [ms].
    """

    encoder: str
    parameters: int
    block_px: float
    block_deg: float
    tool_px: float
    train_cpu_s: float
    frame_ms: float


def probe(config: PolicyConfig, steps: int, seed: int = 0, bf16: bool = True) -> Seen:
    """Train the image encoder of ``config`` for so many steps of 64 pictures."""
    torch.manual_seed(seed)
    encoder = image_encoder(config, (SIDE, SIDE))
    network = nn.Sequential(encoder, nn.Linear(config.image_features, 6))
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-6)
    rng = np.random.default_rng([seed, 1])
    cpu_s = 0.0
    for step in range(steps):
        for group in optimizer.param_groups:
            group['lr'] = LEARNING_RATE * _share(step, steps)
        pictures, truth = (torch.from_numpy(a) for a in draw_pictures(BATCH, rng))
        begin_s = time.process_time()
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16):
            told = network(unit_images(pictures))
        loss = functional.mse_loss(told.float(), truth)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        cpu_s += time.process_time() - begin_s
    block_px, block_deg, tool_px = _errors(network.eval(), seed)
    n_parameters = sum(p.numel() for p in encoder.parameters())
    frame_ms = _frame_ms(encoder)
    return Seen(config.image_encoder, n_parameters, block_px, block_deg, tool_px, cpu_s, frame_ms)


def _share(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: linear rise, then half a cosine."""
    return min(1.0, (step + 1) / WARMUP) * 0.5 * (1.0 + math.cos(math.pi * step / steps))


@torch.inference_mode()
def _errors(network: nn.Module, seed: int) -> tuple[float, float, float]:
    pictures, truth = draw_pictures(UNSEEN, np.random.default_rng([seed, 2]))
    frames = torch.from_numpy(pictures).split(BATCH)  # type: ignore[no-untyped-call]
    told = torch.cat([network(unit_images(part)) for part in frames])  # (N, 6)
    shown = torch.from_numpy(truth)
    half = SIDE / 2
    direction = _direction(told) - _direction(shown)
    turned = torch.atan2(direction.sin(), direction.cos()).abs()  # (N,) [rad]
    return (
        half * _median_distance(told[:, :2], shown[:, :2]),
        math.degrees(float(turned.median())),
        half * _median_distance(told[:, 4:], shown[:, 4:]),
    )


def _direction(values: Tensor) -> Tensor:
    return torch.atan2(values[:, 3], values[:, 2])


def _median_distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).norm(dim=1).median())


@torch.inference_mode()
def _frame_ms(encoder: nn.Module) -> float:
    picture = torch.zeros(1, 3, SIDE, SIDE)
    times = []
    for _ in range(_TIMED):
        begin_s = time.process_time()
        encoder(picture)
        times.append(time.process_time() - begin_s)
    return float(np.median(times)) * 1e3
