# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""From delays between recorded signals to the latencies of a contract.

A motion tells differences only::

    joint states after commands       = latency of the device + of the joint states
    pictures, poses after joint states = latency of the stream - of the joint states

So the latency of the joint states is taken from the contract (0 where it says nothing), unless a
lamp that is switched at known times tells how late the pictures are: then it is the latency by
the lamp less the one after the joint states, and everything else follows. It is that of the
streams which hold joints of the group that moved; joints of others may come another way.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from dp_core.calibration.contract_edit import Latencies
from dp_core.calibration.delay import Delay
from dp_core.calibration.lag import separate_lag
from dp_core.calibration.lag import Servo
from dp_core.calibration.recording import delay_of_lamp
from dp_core.calibration.recording import delay_of_motion
from dp_core.calibration.recording import delay_of_stream
from dp_core.calibration.recording import LampRecording
from dp_core.calibration.recording import Recording
from dp_core.contract import Contract
from dp_core.errors import CalibrationError

# A message may reach its controller so much sooner than the policy node reckons with [s].
EARLY_S = 0.006
DEVICE, JOINTS = 'device', 'joint_state'


@dataclass(frozen=True)
class Finding:
    """The latency of one device or stream, or why it could not be measured.

    Attributes:
        name: of the action group or the stream; '' for joint states that no stream takes.
        kind: ``device``, or the kind of the stream.
        how: what it was measured against.
        latency_s: what belongs into the contract; None where it is unknown [s].
        uncertainty_s: standard error [s].
        explained: part of the signal that the delayed reference explains, 0 to 1.
        samples: how many were used.
        servo: of a device, where dead time and lag could be told apart.
        refusal: why there is no latency.
    """

    name: str
    kind: str
    how: str
    latency_s: float | None = None
    uncertainty_s: float = 0.0
    explained: float = 0.0
    samples: int = 0
    servo: Servo | None = None
    refusal: str = ''

    def words(self) -> str:
        """What the number means, or why there is none."""
        if self.latency_s is None:
            return self.refusal
        if self.kind != DEVICE:
            return self.how
        text = 'the measured motion equals the commanded one best after this time'
        if self.servo is None:
            return f'{text}; {self.how}'
        dead_ms, lag_ms = self.servo.dead_time_s * 1e3, self.servo.lag_s * 1e3
        return f'{text}: {dead_ms:.0f} ms of dead time and {lag_ms:.0f} ms of lag; {self.how}'


def find_latencies(
    contract: Contract,
    motions: Sequence[Recording],
    lamp: LampRecording | None,
    skip: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Latencies of all devices that were moved and of all streams that were heard.

    Args:
        contract: whose devices and streams they are.
        motions: one recording for each action group that was moved.
        lamp: pictures of a lamp that was switched on and off; None without one.
        skip: streams that are left alone.
    """
    pictures = lamp.pictures if lamp else {}
    seen = {name: _attempt(_of_lamp(lamp, name)) for name in pictures if lamp}
    streams = [stream for stream in contract.observations if stream.name not in skip]
    moved = {
        stream.name: [_attempt(_after(motion, stream.name)) for motion in motions]
        for stream in streams
        if stream.kind in ('image', 'pose') and motions
    }
    heard = [_heard_in(contract, motion.group) for motion in motions]
    joints = [_joint_states(contract, names, heard, seen, moved) for names in heard]
    findings = [_device(*pair) for pair in zip(motions, joints, strict=True)]
    for stream in streams:
        if stream.kind == JOINTS and motions:
            findings.append(_of_joints(stream.name, heard, joints))
        elif isinstance(by_lamp := seen.get(stream.name), Delay):
            findings.append(_finding(stream.name, stream.kind, 'after the lamp', by_lamp, 0.0))
        elif stream.name in moved:
            best = _best(moved[stream.name])
            delay, base = moved[stream.name][best], joints[best]
            how, base_s = f'after the joint states; {base.how}', base.latency_s or 0.0
            findings.append(
                _finding(stream.name, stream.kind, how, delay, base_s, base.uncertainty_s)
            )
        elif stream.name in seen:
            findings.append(_finding(stream.name, stream.kind, '', seen[stream.name], 0.0))
    told = {f.name for f in findings if f.kind == JOINTS}
    for names, nameless in zip(heard, joints, strict=True):
        if nameless.samples and not names & told and nameless not in findings:
            findings.append(nameless)
    return tuple(findings)


def latencies(findings: Sequence[Finding]) -> Latencies:
    """What is to be written into the contract."""
    known = [f for f in findings if f.latency_s is not None and f.name]
    return Latencies(
        streams={f.name: f.latency_s or 0.0 for f in known if f.kind != DEVICE},
        groups={f.name: max(0.0, f.latency_s or 0.0) for f in known if f.kind == DEVICE},
    )


def _heard_in(contract: Contract, group: str) -> frozenset[str]:
    """Names of the joint-state streams that hold joints of an action group."""
    joints = next(set(g.joints) for g in contract.actions if g.name == group)
    return frozenset(
        s.name for s in contract.observations if s.kind == JOINTS and joints & set(s.joints)
    )


def _joint_states(
    contract: Contract,
    names: frozenset[str],
    heard: Sequence[frozenset[str]],
    seen: Mapping[str, Delay | CalibrationError],
    moved: Mapping[str, Sequence[Delay | CalibrationError]],
) -> Finding:
    """Latency of the joint states: by the lamp where there is one, or as the contract says.

    Args:
        contract: whose streams they are.
        names: of the joint-state streams that hold joints of one motion.
        heard: the same of each motion; one that shares a stream tells as much of it.
        seen: stream -> delay after the lamp.
        moved: stream -> delay after the joint states of each motion.
    """
    both = [
        (a, b)
        for name, a in seen.items()
        for others, b in zip(heard, moved.get(name, ()))
        if isinstance(a, Delay) and isinstance(b, Delay) and (names & others or names == others)
    ]
    if not both:
        known_s = [s.latency_s for s in contract.observations if s.name in names]
        base_s = known_s[0] if known_s else 0.0
        return Finding('', JOINTS, f'joint states taken to be {base_s * 1e3:.1f} ms late', base_s)
    lamp, motion = min(both, key=lambda pair: _variance(*pair))
    return Finding(
        '',
        JOINTS,
        'joint states by the lamp',
        lamp.delay_s - motion.delay_s,
        _variance(lamp, motion) ** 0.5,
        min(lamp.explained, motion.explained),
        lamp.samples + motion.samples,
    )


def _device(motion: Recording, joints: Finding) -> Finding:
    delay = _attempt(lambda: delay_of_motion(motion))
    finding = _finding(
        motion.group, DEVICE, joints.how, delay, -(joints.latency_s or 0.0), joints.uncertainty_s
    )
    if isinstance(delay, CalibrationError) or finding.latency_s is None:
        return finding
    if finding.latency_s < -3 * finding.uncertainty_s - EARLY_S:
        why = (
            f'the arm would move {-finding.latency_s * 1e3:.1f} ms before it is commanded: the '
            'clocks of two computers disagree, or the latency of the joint states is wrong'
        )
        return Finding(motion.group, DEVICE, joints.how, refusal=why)
    servo = separate_lag(motion.joint_states, motion.commanded, delay)
    if servo is not None:
        servo = Servo(servo.dead_time_s - (joints.latency_s or 0.0), servo.lag_s)
    return replace(finding, servo=servo)


def _finding(
    name: str,
    kind: str,
    how: str,
    delay: Delay | CalibrationError,
    added_s: float,
    added_uncertainty_s: float = 0.0,
) -> Finding:
    if isinstance(delay, CalibrationError):
        return Finding(name, kind, how, refusal=str(delay))
    return Finding(
        name,
        kind,
        how,
        delay.delay_s + added_s,
        (delay.uncertainty_s**2 + added_uncertainty_s**2) ** 0.5,
        delay.explained,
        delay.samples,
    )


def _of_joints(name: str, heard: Sequence[frozenset[str]], joints: Sequence[Finding]) -> Finding:
    """Give the joint states the name of a stream; what was only assumed is not a finding."""
    finding = next((f for names, f in zip(heard, joints, strict=True) if name in names), None)
    if finding is None:
        return Finding(name, JOINTS, '', refusal='no joint of this stream was moved')
    if finding.samples:
        return replace(finding, name=name)
    why = 'a motion alone does not tell it; use a lamp'
    return Finding(name, JOINTS, finding.how, refusal=f'{finding.how}: {why}')


def _of_lamp(lamp: LampRecording, name: str) -> Callable[[], Delay]:
    return lambda: delay_of_lamp(lamp, name)


def _after(motion: Recording, name: str) -> Callable[[], Delay]:
    def measure() -> Delay:
        if name not in motion.streams:
            raise CalibrationError('nothing was received')
        return delay_of_stream(motion.streams[name], motion.joint_states)

    return measure


def _attempt(measure: Callable[[], Delay]) -> Delay | CalibrationError:
    try:
        return measure()
    except CalibrationError as error:
        return error


def _best(delays: Sequence[Delay | CalibrationError]) -> int:
    """Index of the most certain delay; of the first refusal where there is none."""
    known = [(d.uncertainty_s, k) for k, d in enumerate(delays) if isinstance(d, Delay)]
    return min(known)[1] if known else 0


def _variance(*delays: Delay) -> float:
    return sum(delay.uncertainty_s**2 for delay in delays)
