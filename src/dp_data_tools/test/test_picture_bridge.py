# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""cv_bridge decodes what we do not know, where it is installed."""

import sys
from types import ModuleType
from types import SimpleNamespace

from dp_core.errors import ObservationError
from dp_data_tools.ros.picture_bridge import rare_decoder
import numpy as np
import pytest


def pretend_cv_bridge(monkeypatch, answer):
    module = ModuleType('cv_bridge')
    module.CvBridgeError = type('CvBridgeError', (Exception,), {})

    class CvBridge:
        def imgmsg_to_cv2(self, message, encoding):
            assert encoding == 'rgb8'
            if isinstance(answer, str):
                raise module.CvBridgeError(answer)
            if isinstance(answer, Exception):
                raise answer
            return answer

    module.CvBridge = CvBridge
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)


def test_there_is_none_without_cv_bridge(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    assert rare_decoder('/front') is None


def test_cv_bridge_is_asked_for_rgb(monkeypatch):
    pretend_cv_bridge(monkeypatch, np.full((2, 2, 3), 7, np.uint8))
    message = SimpleNamespace(encoding='yuv422')
    assert rare_decoder('/front')(message).tolist() == [[[7] * 3] * 2] * 2


@pytest.mark.parametrize(
    'answer', ['it is odd', TypeError('it is odd'), ValueError('it is odd'), [['it is odd']]]
)
def test_what_cv_bridge_refuses_is_refused_with_its_topic(monkeypatch, answer):
    pretend_cv_bridge(monkeypatch, answer)
    with pytest.raises(ObservationError, match="^/front: encoding 'x': .*it is odd"):
        rare_decoder('/front')(SimpleNamespace(encoding='x'))
