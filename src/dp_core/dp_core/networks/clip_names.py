# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Names of the weights of CLIP's vision transformer: those in the field, and ours."""

from collections.abc import Mapping
import re

import torch
from torch import Tensor

# OpenAI and open_clip: the model's part `visual`; Hugging Face: the model's part `vision_model`.
_PREFIXES = ('visual.', 'vision_model.')
_PARTS = {
    'conv1': 'patches',
    'class_embedding': 'class_token',
    'positional_embedding': 'position',
    'ln_pre': 'norm_before',
    'ln_post': 'norm_after',
    'embeddings.patch_embedding': 'patches',
    'embeddings.class_embedding': 'class_token',
    'embeddings.position_embedding.weight': 'position',
    'pre_layrnorm': 'norm_before',
    'post_layernorm': 'norm_after',
}
_LAYER = re.compile(r'(?:transformer\.resblocks|encoder\.layers)\.(\d+)\.(.+)')
_IN_LAYER = {
    'ln_1': 'norm_self',
    'ln_2': 'norm_mlp',
    'attn.out_proj': 'attend_self.out',
    'mlp.c_fc': 'mlp.0',
    'mlp.c_proj': 'mlp.3',
    'layer_norm1': 'norm_self',
    'layer_norm2': 'norm_mlp',
    'self_attn.q_proj': 'attend_self.query',
    'self_attn.out_proj': 'attend_self.out',
    'mlp.fc1': 'mlp.0',
    'mlp.fc2': 'mlp.3',
}


def own_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return CLIP's weights by the names of `ClipVit`; what has no place there keeps its name."""
    prefix = next((p for p in _PREFIXES if any(n.startswith(p) for n in weights)), '')
    ours: dict[str, Tensor] = {}
    for name, value in weights.items():
        if not name.startswith(prefix):
            continue
        inner = name.removeprefix(prefix)
        layer = _LAYER.fullmatch(inner)
        if layer:
            ours.update(_of_layer(f'layers.{layer[1]}.', layer[2], value, weights, name))
        else:
            ours[_replaced(inner, _PARTS)] = value.float()
    return ours


def _of_layer(
    place: str, inner: str, value: Tensor, weights: Mapping[str, Tensor], name: str
) -> dict[str, Tensor]:
    joint = re.fullmatch(r'attn\.in_proj_(weight|bias)', inner)
    if joint:  # query, key and value in one, as torch has it
        query, key_value = torch.tensor_split(value.float(), [len(value) // 3])
        return {
            f'{place}attend_self.query.{joint[1]}': query,
            f'{place}attend_self.key_value.{joint[1]}': key_value,
        }
    if inner.startswith('self_attn.v_proj'):
        return {}  # goes with its key
    if inner.startswith('self_attn.k_proj'):
        other = weights.get(name.replace('k_proj', 'v_proj'))
        kind = inner.rpartition('.')[2]
        both = (value,) if other is None else (value, other)
        return {f'{place}attend_self.key_value.{kind}': torch.cat(both).float()}
    return {place + _replaced(inner, _IN_LAYER): value.float()}


def _replaced(name: str, names: Mapping[str, str]) -> str:
    """Replace the longest beginning of ``name`` that is in ``names``."""
    if name in names:
        return names[name]
    stem, _, kind = name.rpartition('.')
    return f'{names[stem]}.{kind}' if stem in names else name
