"""The audio encoder that a reference to weights names, ready to run."""

from __future__ import annotations

from ...weights import WeightsReference
from .._cache import choose_torch_device, keep_network
from ._esresnext import ESResNeXtFBSP, random_audioclip
from ._frozen import FrozenAudioCLIP
from ._state import build_audioclip


def get_frozen_audioclip(
    reference: WeightsReference,
    device: str,
    *,
    n_channels: int = 1,
    legacy_scaling: bool = False,
) -> FrozenAudioCLIP:
    """Build the encoder that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"`` or a torch device.
    n_channels : int, default=1
        How often each clip is heard.
    legacy_scaling : bool, default=False
        Whether samples are taken for 16-bit integers.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights do not fit.
    """
    device = choose_torch_device(device, "AudioCLIP")
    options = dict(n_channels=n_channels, legacy_scaling=legacy_scaling)
    return keep_network(
        ("audioclip", reference, device, *options.values()),
        lambda: FrozenAudioCLIP(_read(reference), device, **options),
    )


def _read(reference: WeightsReference) -> ESResNeXtFBSP:
    if reference.seed is not None:
        return random_audioclip(reference.seed)
    return build_audioclip(reference.read(), reference.label)
