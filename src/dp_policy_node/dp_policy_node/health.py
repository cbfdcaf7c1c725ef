# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One diagnostic for each thing that is watched: a level, a sentence and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from dp_msgs.msg import PolicyStatus
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def diagnostic(
    name: str, level: bytes, message: str, values: Mapping[str, object], hardware: str = ''
) -> DiagnosticStatus:
    """Build one diagnostic."""
    return DiagnosticStatus(
        level=level,
        name=name,
        hardware_id=hardware,
        message=message,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def observations(inputs: ObservationInput, now_ns: int, max_age_s: float) -> DiagnosticStatus:
    """Age of every stream, what lies between the oldest and the newest, and what was refused."""
    ages = inputs.ages_s(now_ns)
    missing = inputs.why_missing(now_ns, max_age_s)
    values: dict[str, object] = {
        f'{name} age [ms]': f'{age_s * 1e3:.1f}' for name, age_s in ages.items()
    }
    values['skew [ms]'] = f'{(max(ages.values()) - min(ages.values())) * 1e3:.1f}' if ages else ''
    values['refused messages'] = inputs.refused_messages
    complaint = inputs.complaint
    values['last refusal'] = complaint.reason if complaint else ''
    return diagnostic('observations', WARN if missing else OK, missing or 'complete', values)


def inference(robot: Robot, status: PolicyStatus) -> DiagnosticStatus:
    """Times of the predictions, and chunks that came too late."""
    worker = robot.worker
    level, message = OK, 'in time'
    if not worker.is_alive:
        level, message = ERROR, 'the inference thread has died'
    elif worker.expired_in_row:
        level, message = WARN, f'the last {worker.expired_in_row} chunks came too late'
    values = {
        'chunks': status.chunks,
        'expired chunks': status.expired_chunks,
        'p50 [ms]': f'{status.inference_time_p50 * 1e3:.1f}',
        'p95 [ms]': f'{status.inference_time_p95 * 1e3:.1f}',
        'longest [ms]': f'{status.inference_time_max * 1e3:.1f}',
        'under way [ms]': f'{worker.busy_s * 1e3:.1f}',
    }
    return diagnostic('inference', level, message, values)


def limits(status: PolicyStatus) -> DiagnosticStatus:
    """What the limits of robot and contract changed of what the policy wanted."""
    values = {
        'refused chunks': status.refused_chunks,
        'slowed chunks': status.slowed_chunks,
        'clamped steps': status.clamped_steps,
    }
    told = [f'{count} {name}' for name, count in values.items() if count]
    return diagnostic('limits', OK, ', '.join(told) or 'never touched', values)


def controller(robot: Robot, status: PolicyStatus, timeout_s: float) -> DiagnosticStatus:
    """Whether the controllers listen and the arm follows, and by whom that is known."""
    why = robot.output.why_deaf() or robot.output.why_refused()
    if robot.output.moves_arm:
        why = why or robot.controllers.why_lost(timeout_s)
    values = {
        'reference by': status.feedback,
        'tracking error [mrad]': f'{status.tracking_error * 1e3:.1f}',
        'speed scaling [1]': f'{status.speed_scaling:.2f}',
    }
    told = 'follows' if robot.output.moves_arm else 'dry run: nothing is sent'
    return diagnostic('controller', ERROR if why else OK, why or told, values)


def safety(inputs: SafetyInputs) -> DiagnosticStatus:
    """Signals of operator and robot."""
    verdict = inputs.check()
    values = {
        name: 'never heard' if v is None else f'{v:g}' for name, v in inputs.values().items()
    }
    told = 'motion is allowed' if values else 'nothing is watched'
    return diagnostic(
        'safety', ERROR if verdict else OK, verdict.reason if verdict else told, values
    )
