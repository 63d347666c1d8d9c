"""Files of pre-trained weights: the registry, the cache, and safe reading."""

from ..system._checksum import sha256_of
from ._checkpoint import read_arrays, read_checkpoint, read_metadata, write_safetensors
from ._fetch import cache_folder, fetch_file, fetch_weights, is_cached
from ._in_memory import fingerprint_module
from ._open_clip import CLIPReference, import_open_clip, refer_to_clip
from ._reference import WeightsReference, keep_in_memory, refer_to
from ._registry import WeightsFile, registry

__all__ = [
    "CLIPReference",
    "WeightsFile",
    "WeightsReference",
    "cache_folder",
    "fetch_file",
    "fetch_weights",
    "fingerprint_module",
    "import_open_clip",
    "is_cached",
    "keep_in_memory",
    "read_arrays",
    "read_checkpoint",
    "read_metadata",
    "refer_to",
    "refer_to_clip",
    "registry",
    "sha256_of",
    "write_safetensors",
]
