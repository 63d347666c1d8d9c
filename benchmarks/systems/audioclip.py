"""AudioCLIP: the model whose parts were all trained on AudioSet, or only that of sounds."""

from functools import partial

from benchmarks.systems.official import common_parameters, find_weights, training_devices
from benchmarks.systems.system import System
from skw2c import AudioCLIPFineTuner, AudioCLIPTransformer, CLIPImageEncoder, CLIPTextEncoder


def full(options):
    """All parts were trained on AudioSet."""
    return _audioclip(
        options, "audioclip-full", name="audioclip", title="AudioCLIP", colour="#CC79A7"
    )


def only_sound(options):
    """Only the part of sounds was trained on AudioSet."""
    return _audioclip(
        options,
        "audioclip-partial",
        name="audioclip-partial",
        title="AudioCLIP (partial)",
        colour="#9467BD",
    )


def _audioclip(options, weights, **described):
    def make():
        return AudioCLIPTransformer(find_weights(options, [weights]), **common_parameters(options))

    def make_partner(kind):
        return kind(
            "RN50-quickgelu",
            find_weights(options, [weights]),
            device=options.device,
            normalize=True,
        )

    def tune(seed, n_clips):
        return AudioCLIPFineTuner(
            find_weights(options, [weights]),
            n_jobs=options.n_jobs,
            random_state=seed,
            devices=training_devices(options),
            verbose=options.verbose,
        )

    return System(
        make_encoder=make,
        make_text_encoder=partial(make_partner, CLIPTextEncoder),
        make_image_encoder=partial(make_partner, CLIPImageEncoder),
        make_fine_tuner=tune,
        sampling_rate=44100,
        **described,
    )
