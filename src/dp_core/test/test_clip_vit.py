# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import CheckpointError
from dp_core.networks.clip_names import own_names
from dp_core.networks.clip_vit import ClipVit
import pytest
from safetensors.torch import save_file
import torch

SMALL = {'size': 32, 'patch': 16, 'n_embed': 16, 'n_layers': 2, 'n_heads': 2}


def small(seed: int = 0) -> ClipVit:
    torch.manual_seed(seed)
    return ClipVit(8, **SMALL)


def open_clip_names(vit: ClipVit) -> dict[str, torch.Tensor]:
    """Write a network as OpenAI and open_clip do, with a text tower beside it."""
    w = vit.state_dict()
    out = {
        'logit_scale': torch.ones(()),
        'visual.proj': torch.ones(16, 8),
        'visual.conv1.weight': w['patches.weight'],
        'visual.class_embedding': w['class_token'],
        'visual.positional_embedding': w['position'],
    }
    for kind in ('weight', 'bias'):
        out[f'visual.ln_pre.{kind}'] = w[f'norm_before.{kind}']
        out[f'visual.ln_post.{kind}'] = w[f'norm_after.{kind}']
        for layer in range(2):
            theirs, ours = f'visual.transformer.resblocks.{layer}.', f'layers.{layer}.'
            query, key_value = (w[f'{ours}attend_self.{n}.{kind}'] for n in ('query', 'key_value'))
            out[f'{theirs}attn.in_proj_{kind}'] = torch.cat((query, key_value))
            out[f'{theirs}attn.out_proj.{kind}'] = w[f'{ours}attend_self.out.{kind}']
            out[f'{theirs}ln_1.{kind}'] = w[f'{ours}norm_self.{kind}']
            out[f'{theirs}ln_2.{kind}'] = w[f'{ours}norm_mlp.{kind}']
            out[f'{theirs}mlp.c_fc.{kind}'] = w[f'{ours}mlp.0.{kind}']
            out[f'{theirs}mlp.c_proj.{kind}'] = w[f'{ours}mlp.3.{kind}']
    return {name: value.clone() for name, value in out.items()}


def hugging_face_names(vit: ClipVit) -> dict[str, torch.Tensor]:
    """Write a network as Hugging Face does: query, key and value apart."""
    w = vit.state_dict()
    top = 'vision_model.'
    out = {
        top + 'embeddings.patch_embedding.weight': w['patches.weight'],
        top + 'embeddings.class_embedding': w['class_token'],
        top + 'embeddings.position_embedding.weight': w['position'],
        top + 'embeddings.position_ids': torch.arange(5)[None],
        'text_model.final_layer_norm.weight': torch.ones(3),
    }
    for kind in ('weight', 'bias'):
        out[f'{top}pre_layrnorm.{kind}'] = w[f'norm_before.{kind}']
        out[f'{top}post_layernorm.{kind}'] = w[f'norm_after.{kind}']
        for layer in range(2):
            theirs, ours = f'{top}encoder.layers.{layer}.', f'layers.{layer}.'
            key, value = w[f'{ours}attend_self.key_value.{kind}'].chunk(2)
            out[f'{theirs}self_attn.k_proj.{kind}'] = key
            out[f'{theirs}self_attn.v_proj.{kind}'] = value
            out[f'{theirs}self_attn.q_proj.{kind}'] = w[f'{ours}attend_self.query.{kind}']
            out[f'{theirs}self_attn.out_proj.{kind}'] = w[f'{ours}attend_self.out.{kind}']
            out[f'{theirs}layer_norm1.{kind}'] = w[f'{ours}norm_self.{kind}']
            out[f'{theirs}layer_norm2.{kind}'] = w[f'{ours}norm_mlp.{kind}']
            out[f'{theirs}mlp.fc1.{kind}'] = w[f'{ours}mlp.0.{kind}']
            out[f'{theirs}mlp.fc2.{kind}'] = w[f'{ours}mlp.3.{kind}']
    return {name: value.clone() for name, value in out.items()}


def test_features_have_their_shape_at_any_size_of_image():
    assert small()(torch.rand(2, 3, 32, 32)).shape == (2, 8)
    assert small()(torch.rand(2, 3, 20, 48)).shape == (2, 8)


def test_the_network_is_as_large_as_clips():
    """85,799,424 of the published tower less its projection; then 768 x 64 and 64."""
    with torch.device('meta'):
        made = ClipVit(64)
    assert sum(p.numel() for p in made.parameters()) == 85_799_424 + 768 * 64 + 64


def test_colours_are_scaled_as_clips_were():
    """The mean colour of CLIP's pictures is 0 to the network: only its tokens are left."""
    vit = small()
    colour = vit.mean * 2 - 1
    vit.patches.weight.data.mul_(100.0)
    patches = []
    vit.patches.register_forward_hook(lambda _, __, out: patches.append(out))
    vit(colour.expand(1, 3, 32, 32))
    torch.testing.assert_close(patches[0], torch.zeros_like(patches[0]), atol=1e-4, rtol=0)


def test_gradients_reach_every_parameter():
    vit = small()
    vit(torch.rand(2, 3, 32, 32)).square().sum().backward()
    without = [n for n, p in vit.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize('named', [open_clip_names, hugging_face_names])
def test_published_names_are_read(tmp_path, named):
    source, target = small(0), small(1)
    save_file(named(source), tmp_path / 'clip.safetensors')
    target.load_pretrained(tmp_path / 'clip.safetensors')
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(target.class_features(images), source.class_features(images))
    assert not torch.equal(target.project.weight, source.project.weight)


def test_half_precision_becomes_single(tmp_path):
    weights = {name: value.half() for name, value in open_clip_names(small()).items()}
    assert {value.dtype for value in own_names(weights).values()} == {torch.float32}
    save_file(weights, tmp_path / 'clip.safetensors')
    target = small(1)
    target.load_pretrained(tmp_path / 'clip.safetensors')
    assert {p.dtype for p in target.parameters()} == {torch.float32}


@pytest.mark.parametrize('named', [open_clip_names, hugging_face_names])
def test_a_missing_weight_is_named(tmp_path, named):
    weights = named(small())
    ends = ('v_proj.bias', 'resblocks.1.attn.out_proj.bias')
    lost = next(name for name in weights if name.endswith(ends))
    del weights[lost]
    save_file(weights, tmp_path / 'clip.safetensors')
    with pytest.raises(CheckpointError, match=r'attend_self\.(out|key_value)'):
        small(1).load_pretrained(tmp_path / 'clip.safetensors')


def test_a_larger_network_is_refused(tmp_path):
    torch.manual_seed(0)
    larger = ClipVit(8, **{**SMALL, 'size': 48})
    save_file(open_clip_names(larger), tmp_path / 'clip.safetensors')
    with pytest.raises(CheckpointError, match=r'position has shape \(10, 16\), valid: \(5, 16\)'):
        small().load_pretrained(tmp_path / 'clip.safetensors')
