# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json

from dp_core.config import PolicyConfig
from dp_core.evaluation.cli import main
from dp_core.evaluation.encoder_probe.pictures import draw_pictures
from dp_core.evaluation.encoder_probe.probe import probe
import numpy as np
import pytest

SMALL = PolicyConfig(image_channels=(8, 8, 8), image_features=8)


def test_pictures_show_what_they_say():
    pictures, shown = draw_pictures(20, np.random.default_rng(0))
    assert pictures.shape == (20, 96, 96, 3)
    np.testing.assert_allclose(np.hypot(shown[:, 2], shown[:, 3]), 1.0, rtol=1e-5)
    for picture, truth in zip(pictures.astype(int), shown, strict=True):
        x, y = np.round((truth[4:] + 1) * 48).astype(int)
        tool = picture[y, x]
        assert tool[2] - tool[0] > 100  # the tool is blue, and drawn last


def test_the_same_seed_draws_the_same_pictures():
    first, again = (draw_pictures(2, np.random.default_rng(5))[0] for _ in range(2))
    assert np.array_equal(first, again)


def test_training_makes_an_encoder_see():
    before = probe(SMALL, steps=1, bf16=False)
    after = probe(SMALL, steps=12, bf16=False)
    assert after.tool_px < before.tool_px
    assert after.block_px < before.block_px
    assert after.parameters == before.parameters
    assert after.frame_ms > 0


def test_the_command_writes_a_line_for_each_encoder(tmp_path, capsys):
    words = ['encoders', 'dilated', 'conv', '--steps', '1', '--image-channels', '8', '8']
    assert main([*words, '--output', str(tmp_path / 'e.json')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['dilated', 'conv']
    written = json.loads((tmp_path / 'e.json').read_text(encoding='utf-8'))
    assert [row['encoder'] for row in written['encoders']] == ['dilated', 'conv']
    assert written['encoders'][0]['settings']['image_channels'] == [8, 8]
    assert written['command'].startswith('dp_eval encoders dilated conv --steps 1')


def test_bad_words_are_refused(capsys):
    assert main(['encoders', 'conv', '--steps', '0']) == 2
    assert '--steps is 0, valid: 1 or more' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['encoders', 'vgg'])
