"""Files of pre-trained weights: the registry, the cache, and safe reading."""

from ._checkpoint import read_checkpoint, write_safetensors
from ._fetch import cache_folder, fetch_weights, is_cached
from ._reference import WeightsReference, refer_to
from ._registry import WeightsFile, registry

__all__ = [
    "WeightsFile",
    "WeightsReference",
    "cache_folder",
    "fetch_weights",
    "is_cached",
    "read_checkpoint",
    "refer_to",
    "registry",
    "write_safetensors",
]
