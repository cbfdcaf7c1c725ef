# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One error class per kind of mistake; each message names the value received and what is valid."""


class DpError(Exception):
    """Base of every error this suite raises on purpose."""


class ConfigError(DpError):
    """A configuration value is outside what the code supports."""


class ContractError(DpError):
    """A contract is malformed, or two contracts that must agree do not."""


class CheckpointError(DpError):
    """A checkpoint folder is missing, incomplete, damaged or of another kind."""


class DatasetError(DpError):
    """A dataset is missing, malformed or does not fit its contract."""


class ObservationError(DpError):
    """A message cannot become an observation: wrong joints, NaN, unknown encoding."""


class NotReadyError(ObservationError):
    """No window can be built at this instant; the message names the stream and how late it is."""


class KinematicsError(DpError):
    """A pose cannot be reached, or a chain is not what the caller said."""


class TrajectoryError(DpError):
    """A motion that must not be sent: too late, not finite, or outside limits."""


class LimitError(TrajectoryError):
    """A motion would leave the position or velocity limits of a joint."""


class ExpiredError(TrajectoryError):
    """A chunk came too late: nothing of it is left to send."""


class CalibrationError(DpError):
    """A latency cannot be measured: nothing moves, or what was recorded does not tell it."""


class RecordingError(DpError):
    """An episode cannot be recorded, kept or recovered."""


class TrainingError(DpError):
    """A training run cannot go on: another of its processes ended."""


class OutOfMemoryError(DpError):
    """The memory of processor or GPU is short; the message says what to lower."""
