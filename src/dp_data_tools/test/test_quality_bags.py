# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags with one fault each, written and read back: found with its figures, clean ones silent."""

from bag_samples import COMPRESSED
from bag_samples import contract
from bag_samples import header
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import picture
from bag_samples import recording
from bag_samples import STORE
from bag_samples import write_bag
from dp_data_tools.quality.examine import examine
from dp_data_tools.quality.scan import scan_bag
from dp_data_tools.quality.scan import scan_episodes
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.recover import recover
from dp_data_tools.recording.storage import create_file
import numpy as np
import pytest
from quality_bags import between
from quality_bags import CAMERA
from quality_bags import findings
from quality_bags import messages
from quality_bags import on
from quality_samples import loud
from quality_samples import motion
from quality_samples import only
from recording_samples import samples


def test_a_clean_bag_is_silent_but_for_the_measured_lag(tmp_path):
    found = findings(tmp_path)
    assert not loud(found)
    assert [f.check for f in found] == ['action_lag']
    assert found[0].value == pytest.approx(100.0, abs=1.0)


def test_lost_pictures_and_a_long_gap(tmp_path):
    gap = only(findings(tmp_path, between(CAMERA, 1001, 1399, drop=True)), 'gap')
    assert (gap.subject, gap.severity) == (CAMERA, 'warning')
    assert gap.value == pytest.approx(400)
    assert gap.threshold == pytest.approx(100)
    assert gap.time_s == pytest.approx(1.0, abs=0.01)
    assert '1 gap of up to 400 ms at 30.0 Hz, about 11 messages lost' in gap.message


def test_a_gap_of_half_a_second_is_an_error(tmp_path):
    gap = only(findings(tmp_path, between('/joint_states', 2000, 2600, drop=True)), 'gap')
    assert (gap.severity, gap.value) == ('error', pytest.approx(600))


def test_jitter(tmp_path):
    shift = np.random.default_rng(0).uniform(-15, 15, 1000)

    def change(topic, k, ms):
        return {'stamp': ms + shift[k], 'way': 20.0} if topic == CAMERA else {}

    found = only(findings(tmp_path, change), 'jitter')
    assert found.subject == CAMERA
    assert 55 < found.value < 80  # of 33 ms; two uniform shifts of 15 ms


def test_a_rate_that_falls(tmp_path):
    def change(topic, k, ms):
        return {'drop': topic == CAMERA and ms > 3000 and k % 2 == 1}

    found = only(findings(tmp_path, change), 'rate')
    assert found.message == 'the rate changes from 30.0 to 15.3 Hz'


def test_a_topic_that_ends_early(tmp_path):
    found = only(findings(tmp_path, between('/commands', 4000, 9e9, drop=True)), 'ends_early')
    assert (found.subject, found.value) == ('/commands', pytest.approx(1.99, abs=0.02))


@pytest.mark.parametrize(
    ('way', 'check', 'severity', 'value'),
    [(-80.0, 'clock_offset', 'error', -80), (250.0, 'clock_offset', 'warning', 250)],
)
def test_a_clock_that_is_ahead_or_behind(tmp_path, way, check, severity, value):
    def change(topic, k, ms):
        return {'stamp': ms - way, 'way': 0.0} if topic == CAMERA else {}

    found = only(findings(tmp_path, change), check)
    assert (found.subject, found.severity, round(found.value)) == (CAMERA, severity, value)


def test_clocks_that_drift_apart(tmp_path):
    delays = np.minimum(np.random.default_rng(1).exponential(5.0, 1000), 25.0)

    def change(topic, k, ms):  # 1 ms a second, under a network that is late now and then
        return {'stamp': ms * 0.999, 'way': 3 + delays[k]} if topic == CAMERA else {}

    found = only(findings(tmp_path, change, 12.0), 'clock_drift')
    assert found.value == pytest.approx(1000, rel=0.15)
    assert found.unit == 'ppm'


def test_stamps_that_are_zero_go_back_or_jump(tmp_path):
    zero = {f.check: f for f in findings(tmp_path / '0', on('/commands', stamp=-1.7e12))}
    assert (zero['zero_stamp'].severity, zero['zero_stamp'].value) == ('error', 300.0)
    back = only(findings(tmp_path / '1', between(CAMERA, 2999, 3001, stamp=2960)), 'stamp_order')
    assert (back.severity, back.time_s) == ('warning', pytest.approx(3.0))
    assert back.message == '1 stamps are not later than the one before, by up to 6.7 ms'
    late = findings(tmp_path / '2', between('/commands', 3000, 9e9, stamp=500))
    jump = {f.check: f for f in late}
    assert jump['clock_jump'].severity == 'error'
    assert jump['clock_jump'].value == pytest.approx(2500)


def test_a_frozen_camera_while_the_arm_moves(tmp_path):
    frozen = only(findings(tmp_path, between(CAMERA, 1990, 3010, seed=7)), 'frozen')
    assert (frozen.severity, frozen.subject) == ('error', CAMERA)
    assert frozen.value == pytest.approx(1.0, abs=0.01)
    assert frozen.spans[0] == pytest.approx((2.0, 3.0), abs=0.01)
    assert 'the same picture for 1.00 s while the arm moves by 0.' in frozen.message


def test_a_still_picture_of_a_still_arm_is_no_fault(tmp_path):
    def change(topic, k, ms):
        still = {'positions': (0.1, 0.2)} if topic != CAMERA else {'seed': 7}
        return still if ms > 5000 else {}

    assert 'frozen' not in [f[0] for f in loud(findings(tmp_path, change))]


def test_a_camera_that_repeats_its_pictures(tmp_path):
    def change(topic, k, ms):
        return {'seed': k // 2} if topic == CAMERA else {}

    found = only(findings(tmp_path, change), 'repeated')
    assert found.value == 50.0


def test_black_and_flat_pictures(tmp_path):
    black = findings(tmp_path / '0', between(CAMERA, 990, 1110, value=3))
    black = {f.check: f for f in black}['black']
    assert (black.severity, black.time_s) == ('error', pytest.approx(0.995))
    assert black.message == '4 of 180 pictures are black'
    flat = {f.check: f for f in findings(tmp_path / '1', between(CAMERA, 990, 1110, value=128))}
    assert flat['flat'].message == '4 of 180 pictures are of one colour'


def test_a_format_that_changes_and_pictures_cut_short(tmp_path):
    found = only(findings(tmp_path / '0', between(CAMERA, 3000, 9e9, size=16)), 'format')
    assert found.message == 'the format changes 1 times: 8 x 8 rgb8, then 16 x 16 rgb8'

    def cut(entry):
        topic, kind, ms, message = entry
        if topic == CAMERA and 995 < ms < 1010:
            message.data = message.data[:100]
        return entry

    bag = write_bag(tmp_path / 'cut', [cut(entry) for entry in messages()])
    found = only(examine([scan_bag(bag)], 'bag'), 'broken')
    assert (found.value, found.time_s) == (1.0, pytest.approx(0.995))


def test_the_order_of_joints_changes(tmp_path):
    found = findings(tmp_path, between('/joint_states', 3000, 9e9, names=('b', 'a')))
    order = only(found, 'joint_order')
    assert (order.severity, order.time_s) == ('warning', pytest.approx(3.013, abs=0.01))
    assert '[a, b], then [b, a]' in order.message


def test_messages_that_name_other_joints_now_and_then(tmp_path):
    def change(topic, k, ms):
        return {'names': ('a', 'c')} if topic == '/joint_states' and k % 2 else {}

    found = {f.check: f for f in findings(tmp_path, change)}
    assert found['joint_names'].severity == 'error'
    assert found['not_finite'].subject in ('/joint_states/b', '/joint_states/c')


def shared(path, seed, late_ms):
    """Scan a bag in which a gripper speaks on the topic of the arm, so much later."""
    arm = messages(seed=seed)
    made = [
        ('/joint_states', JOINT_STATE, ms + late_ms, joints(ms - 6, (0.0, 0.0), ('grip',)))
        for topic, _, ms, _ in arm
        if topic == '/joint_states'
    ]
    for k, entry in enumerate(made):
        entry[3].position = motion(np.array([0.008 * k]), 5 + seed)[0, :1]
    return scan_bag(write_bag(path, sorted(arm + made, key=lambda entry: entry[2])))


def test_an_arm_and_a_gripper_may_share_a_topic_whoever_speaks_first(tmp_path):
    episodes = [shared(tmp_path / str(k), k, late_ms) for k, late_ms in enumerate((2, -4, 2))]
    for episode in episodes:
        names = [track.name for track in episode.states]
        assert names == ['/joint_states', '/joint_states[grip]']
        assert {stamps.topic for stamps in episode.stamps} >= {*names}
        assert [track.dims for track in episode.states] == [('a', 'b'), ('grip',)]
        assert {pair.state for pair in episode.pairs} == {'/joint_states'}
    assert not loud(examine(episodes, 'bags'))


def test_a_topic_whose_messages_have_names_of_something_else_is_one(tmp_path):
    kind, time = 'rcl_interfaces/msg/Log', STORE.types['builtin_interfaces/msg/Time'](1, 2)
    made = [
        ('/rosout', kind, 10 * k, STORE.types[kind](time, 20, name, 'words', '', '', 0))
        for k, name in enumerate(('driver', 'xy', 'driver'))
    ]
    (stamps,) = scan_bag(write_bag(tmp_path / 'bag', made)).stamps
    assert (stamps.topic, len(stamps.recorded_ns)) == ('/rosout', 3)


def odd_bag(folder):
    """Write a bag with messages of two types that nobody knows; return it and their number."""
    rows, topics = samples(seconds=1.0)
    broken = RecordedTopic('/lab/broken', 'lab_msgs/msg/Broken', 'int32 = = 1')
    odd = RecordedTopic('/lab/start/_service_event', 'lab_msgs/srv/Odd_Event', encoding='')
    file = create_file('mcap', folder, 'bag')
    for each in (*topics, broken, odd):
        file.add_topic(each)
    for name, log_ns, data in rows:
        file.write(name, log_ns, log_ns, data)
        if name == '/commands':
            for each in (broken, odd):
                file.write(each.name, log_ns, log_ns, b'\0\1\0\0odd')
    file.close('')
    recover(folder)
    return folder, sum(name == '/commands' for name, _, _ in rows)


def test_a_type_that_nobody_knows_is_no_damage_unless_it_is_needed(tmp_path):
    bag, count = odd_bag(tmp_path)
    episode = scan_bag(bag)
    assert not episode.damage
    stamps = {each.topic: each for each in episode.stamps}
    for name in ('/lab/broken', '/lab/start/_service_event'):
        assert len(stamps[name].recorded_ns) == count
        assert stamps[name].header_ns is None
    assert len(stamps['/joint_states'].recorded_ns) == 125
    (marked,) = scan_episodes(bag, markers=['/lab/start/_service_event'])
    assert 'type lab_msgs/srv/Odd_Event is unknown' in marked.damage


def test_a_rate_that_differs_between_bags_and_a_missing_topic(tmp_path):
    def half(topic, k, ms):
        return {'drop': topic == CAMERA and k % 2 == 1}

    bags = [write_bag(tmp_path / f'bag{k}', messages(4.0, seed=k)) for k in range(3)]
    bags.append(write_bag(tmp_path / 'slow', messages(4.0, half, seed=3)))
    bags.append(write_bag(tmp_path / 'none', messages(4.0, on(CAMERA, drop=True), seed=4)))
    found = examine([scan_bag(bag) for bag in bags], 'bags')
    places = sorted((f.check, f.source.rpartition('/')[2]) for f in found if f.severity != 'info')
    assert places == [('missing_topic', 'none'), ('rate', 'slow')]
    slow = next(f for f in found if f.check == 'rate')
    assert (slow.value, slow.threshold) == (pytest.approx(15), pytest.approx(30, rel=0.01))


def test_a_contract_names_what_the_bag_has_not(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording(3.0, drop=lambda topic, ms: topic == CAMERA))
    what = contract(
        observations=[
            {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': ['a', 'z']},
            {'name': 'front', 'kind': 'image', 'topic': 'front/image_raw', 'size': [8, 8]},
        ]
    )
    found = [f for f in examine([scan_bag(bag)], 'bag', contract=what) if f.check == 'contract']
    assert [f.severity for f in found] == ['error', 'error']
    words = ' '.join(f.message for f in found)
    assert "joints ['z'] are missing; the messages have ['a', 'b']" in words
    assert 'topic /front/image_raw is missing; the bag has /commands' in words


def test_compressed_pictures_and_headers_of_other_types(tmp_path):
    made = [
        (CAMERA + '/compressed', COMPRESSED, 33 * k, picture(33 * k, 40 + k, compressed=True))
        for k in range(60)
    ]
    kind = 'std_msgs/msg/String'
    made += [('/note', kind, 10, STORE.types[kind]('no header'))]
    bag = write_bag(tmp_path / 'bag', sorted(made, key=lambda entry: entry[2]))
    episode = scan_bag(bag)
    assert episode.pictures[0].mean.round().tolist() == [40 + k for k in range(60)]
    assert len(episode.pictures[0].thumbnails) == 10
    assert episode.stamps[1].header_ns is None
    assert header(0).frame_id == 'world'
