# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""All checks, and what to do about what they find."""

_LEAVE = 'leave the episode out'
_CLOCKS = 'synchronise the clocks of all computers (chrony or PTP) before recording'

ADVICE = {
    # Times of messages, see timing.py and clocks.py.
    'damage': 'leave it out, or repair a recording that was cut by `dp_data_tools recover`',
    'gap': 'look for a full disk, a full network or a busy computer while recording; compressed '
    'pictures and a local disk help',
    'starts_late': 'an episode has rows only where all topics are known: start recording earlier',
    'ends_early': 'an episode has rows only where all topics are known: see why it stopped',
    'rate': 'find out what was changed; a camera that exposes longer and a hot computer do this',
    'missing_topic': 'record every topic in every episode, or leave this one out',
    'jitter': 'stamp messages where they are measured, by the sensor or its driver',
    'slow': 'raise the rate of the sensor, or the dt_s of the contract',
    'zero_stamp': 'let the driver stamp its messages; without stamps nothing can be aligned',
    'stamp_order': 'two publishers on one topic, or messages that overtake each other; convert '
    'leaves them out',
    'clock_jump': f'a clock was set while recording: {_LEAVE}',
    'clock_offset': _CLOCKS,
    'clock_other': 'record with use_sim_time when a simulation publishes its time',
    'clock_drift': _CLOCKS,
    # Names and topics, see joints.py.
    'joint_order': 'joints are read by name here; a reader by position mixes them: repair the '
    'publisher',
    'joint_names': 'several publishers share a topic: give each its own, or merge them first',
    'contract': 'record what the contract names, or name in it what is recorded',
    # Cameras, see pictures.py.
    'frozen': f'{_LEAVE}; look at the cable, the driver and its buffers',
    'repeated': 'the camera is slower than its driver publishes: lower the rate of the driver',
    'black': f'{_LEAVE}; look at the lens cap, the light and the exposure',
    'flat': f'{_LEAVE}; look at the lens cap, the light and the exposure',
    'format': 'record with one resolution; another field of view is another view',
    'broken': f'{_LEAVE}; messages were cut short',
    # Numbers, see signals.py and reach.py.
    'not_finite': f'{_LEAVE}, and repair the source; one NaN ruins all weights',
    'zero_variance': 'take them out of the contract or find out why they stand still: they tell a '
    'policy nothing, and normalisation divides by their range',
    'stuck': 'see whether the sensor or the command was stuck',
    'jerk': 'look for lost or doubled messages and for a hand that slipped',
    'limit': f'{_LEAVE} or correct the limits: a policy learns commands that are then refused',
    'velocity': 'the arm cannot follow: show the task more slowly, or filter the commands',
    'acceleration': 'the arm cannot follow: show the task more smoothly, or filter the commands',
    # Actions and states, see lag.py and following.py.
    'action_late': 'check the stamps of the command topic and the clocks; for actions made of '
    'states use a positive action_offset_s',
    'action_lag': 'positive is as it should be: the action comes before the motion',
    'action_slow': 'see why the arm is so slow, and give the contract its latency_s',
    'lag_differs': f'a clock or a driver was different in this episode: {_LEAVE}',
    'identical': 'take actions from the command topic, or from the state a positive '
    'action_offset_s later',
    'exchanged': 'joints are in another order than their names say: repair the publisher or the '
    'contract',
    'offset': 'calibrate leader and follower again; a weight that the arm does not carry to the '
    'end does it as well',
    'not_followed': f'the arm was blocked, slow or stopped: {_LEAVE}',
    # Episodes among each other, see episodes.py.
    'length': 'see whether it was stopped too early or too late',
    'duplicate': 'leave one of them out; twice in a dataset counts twice, and spoils validation',
    'idle': 'trim it: a policy that sees rest learns to rest',
}
