# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A device that is not there: tensors that say they are elsewhere, and refuse to mix with others.

Every operation is computed, on the CPU, after the rule of a GPU was checked: all tensors of an
operation are on one device, but for copies and for numbers (0 dimensions) of the CPU in pointwise
ones. So results can be compared bit for bit. `torch._subclasses.FakeTensorMode` has no values, so
a sampler that reads the number of its step cannot run on it. The device is called 'meta' because
a PyTorch that was built for CPUs cannot index or differentiate what says 'cuda', not even there.

What this cannot show: operations that a GPU lacks, its rounding, its speed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils._pytree import tree_map_only

ELSEWHERE = torch.device('meta')
_COPIES = ('aten::copy_', 'aten::_to_copy')


class Elsewhere(Tensor):
    """A tensor that says it is elsewhere; `inner` holds the values."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Elsewhere:
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=ELSEWHERE,
        )
        made.inner = inner
        return made

    def __repr__(self, **_: Any) -> str:
        return f'Elsewhere({self.inner!r})'

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {})


class PretendedDevice(TorchDispatchMode):
    """While it is entered, tensors that are made or moved ELSEWHERE are an `Elsewhere`."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name, wanted = func._schema.name, kwargs.get('device')
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = [tensor for tensor in given if isinstance(tensor, Elsewhere)]
    if there and name not in _COPIES:
        numbers_may_mix = torch.Tag.pointwise in func.tags
        for tensor in given:
            if not isinstance(tensor, Elsewhere) and (tensor.dim() or not numbers_may_mix):
                raise RuntimeError(f'{name}: a tensor {tuple(tensor.shape)} of the CPU in between')
    if name == 'aten::copy_':
        result_is_there = isinstance(args[0], Elsewhere)
    else:
        result_is_there = bool(there) if wanted is None else torch.device(wanted) == ELSEWHERE
    if wanted is not None:
        kwargs = {**kwargs, 'device': torch.device('cpu')}
    args, kwargs = tree_map_only(Elsewhere, lambda tensor: tensor.inner, (args, kwargs))
    out = func(*args, **kwargs)
    if not result_is_there:
        return out
    known = {id(tensor.inner): tensor for tensor in there}  # what changes in place stays itself
    return tree_map_only(Tensor, lambda t: known[id(t)] if id(t) in known else Elsewhere(t), out)
