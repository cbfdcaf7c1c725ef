# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Many episodes in one process, each in a thread that predicts alone; the network runs once.

A chunk of one episode costs five times what a row of fifty costs. Here every thread calls the
whole pipeline as the policy node does, and only the denoising call waits until all threads that
still run have made theirs. So the rows of a call, and with them the results, do not depend on
how threads are scheduled.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import threading
from typing import TypeVar

from dp_core.networks.denoiser import Denoiser
from dp_core.policy import Policy
import torch
from torch import nn
from torch import Tensor

Result = TypeVar('Result')


class LockstepDenoiser(nn.Module):
    """A denoiser whose `denoise` joins the rows of all threads registered with it."""

    def __init__(self, denoiser: Denoiser) -> None:
        """Wrap ``denoiser``; nobody is registered yet."""
        super().__init__()
        self._denoiser = denoiser
        self._condition = threading.Condition()
        self._callers: dict[int, int] = {}  # thread -> its place among the rows
        self._asked: dict[int, tuple[Tensor, Tensor]] = {}
        self._answers: dict[int, Tensor | Exception] = {}

    def register(self, thread: int, place: int) -> None:
        """Wait for this thread from now on; its rows come at ``place`` among all."""
        with self._condition:
            self._callers[thread] = place

    def leave(self, thread: int) -> None:
        """Wait for this thread no longer."""
        with self._condition:
            self._callers.pop(thread, None)
            self._serve_when_complete()

    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """As `Denoiser.modulation`."""
        return self._denoiser.modulation(timesteps, condition)

    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """As `Denoiser.denoise`, together with the other threads."""
        thread = threading.get_ident()
        if thread not in self._callers or torch.is_grad_enabled():
            return self._denoiser.denoise(noisy, modulation)
        with self._condition:
            self._asked[thread] = noisy, modulation
            self._serve_when_complete()
            while thread not in self._answers:
                self._condition.wait()
            answer = self._answers.pop(thread)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def forward(self, noisy: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        """As `Denoiser.forward`."""
        return self.denoise(noisy, self.modulation(timesteps, condition))

    def _serve_when_complete(self) -> None:
        if not self._asked or len(self._asked) < len(self._callers):
            return
        threads = sorted(self._asked, key=self._callers.__getitem__)
        asked = [self._asked[thread] for thread in threads]
        rows = [len(noisy) for noisy, _ in asked]
        answers: Sequence[Tensor | Exception]
        try:
            with torch.inference_mode():
                noise = self._denoiser.denoise(
                    torch.cat([noisy for noisy, _ in asked]),
                    torch.cat([modulation for _, modulation in asked]),
                )
            answers = torch.split(noise, rows)
        except (RuntimeError, ValueError, TypeError) as error:
            answers = [error] * len(threads)
        self._answers.update(zip(threads, answers, strict=True))
        self._asked.clear()
        self._condition.notify_all()


def run_in_lockstep(policy: Policy, jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every job in a thread of its own and join their network calls.

    Args:
        policy: what the jobs predict with; its network is put back afterwards.
        jobs: called once each.

    Returns:
        what each job returned, in the order of ``jobs``; an exception of one is raised when all
        have ended.
    """
    denoiser = policy.network.denoiser
    shared = LockstepDenoiser(denoiser)
    all_registered = threading.Barrier(len(jobs))

    def work(place: int) -> Result:
        thread = threading.get_ident()
        shared.register(thread, place)
        all_registered.wait()
        try:
            return jobs[place]()
        finally:
            shared.leave(thread)

    policy.network.denoiser = shared  # type: ignore[assignment]
    try:
        with ThreadPoolExecutor(max_workers=len(jobs)) as threads:
            futures = [threads.submit(work, place) for place in range(len(jobs))]
        return [future.result() for future in futures]
    finally:
        policy.network.denoiser = denoiser
