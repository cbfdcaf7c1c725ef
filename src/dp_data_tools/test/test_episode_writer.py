# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The queue between the thread that takes messages and the one that writes them."""

from pathlib import Path
import struct
import threading

from dp_core.errors import RecordingError
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.episode_writer import EpisodeWriter
import pytest


class Notebook:
    """A file that writes down what happens to it, when it is let."""

    path = Path('bag_0.mcap')

    def __init__(self, error=None):
        self.calls, self.error = [], error
        self.go, self.busy = threading.Event(), threading.Event()

    def add_topic(self, topic):
        self.calls.append(topic.name)

    def write(self, topic, log_ns, publish_ns, data):
        self.busy.set()
        self.go.wait(10.0)
        if self.error:
            raise self.error
        self.calls.append((topic, log_ns, publish_ns, data))

    def flush(self):
        self.calls.append('flush')

    def abort(self):
        self.calls.append('abort')


def test_everything_is_written_in_order_and_flushed_at_the_end():
    file = Notebook()
    file.go.set()
    writer = EpisodeWriter(file)
    writer.add_topic(RecordedTopic('/a', 'x/msg/Y'))
    for k in range(100):
        assert writer.put('/a', k, k, b'data')
    writer.drain()
    calls = [call for call in file.calls if call != 'flush']
    assert calls == ['/a', *(('/a', k, k, b'data') for k in range(100))]
    assert file.calls[-1] == 'flush'
    assert 0 < writer.most_queued_bytes <= 100 * 104


def test_the_queue_is_bounded_by_bytes_and_takes_again_what_has_room():
    file = Notebook()
    writer = EpisodeWriter(file, max_bytes=1000)
    assert writer.put('/a', 0, 0, bytes(300))
    assert file.busy.wait(10.0)
    assert writer.put('/a', 1, 1, bytes(300))
    assert not writer.put('/a', 2, 2, bytes(300))  # the first one is not written yet
    assert writer.put('/a', 3, 3, bytes(50))
    file.go.set()
    writer.drain()
    assert [call[1] for call in file.calls if call != 'flush'] == [0, 1, 3]


def test_an_error_ends_the_writing_and_is_told():
    file = Notebook(OSError(28, 'No space left on device'))
    file.go.set()
    writer = EpisodeWriter(file)
    writer.put('/a', 0, 0, b'')
    writer._thread.join(10.0)
    assert 'No space' in str(writer.error)
    assert not writer.put('/a', 1, 1, b'')
    with pytest.raises(RecordingError, match=r'cannot write bag_0\.mcap: .*No space left'):
        writer.drain()
    writer.abort()
    assert file.calls == ['abort']


@pytest.mark.parametrize(
    'error', [struct.error('argument out of range'), MemoryError(), OverflowError('too large')]
)
def test_whatever_ends_the_writing_is_told(error):
    file = Notebook(error)
    file.go.set()
    writer = EpisodeWriter(file)
    writer.put('/a', 0, -1, b'')
    writer._thread.join(10.0)
    assert not writer.put('/a', 1, 1, b'')
    with pytest.raises(RecordingError, match=type(error).__name__):
        writer.drain()


def test_an_abort_waits_for_no_queue():
    file = Notebook()
    writer = EpisodeWriter(file)
    writer.put('/a', 0, 0, b'')
    assert file.busy.wait(10.0)
    for k in range(50):
        writer.put('/a', k, k, b'')
    threading.Timer(0.05, file.go.set).start()
    writer.abort()
    assert file.calls[-1] == 'abort'
    assert len(file.calls) < 5
