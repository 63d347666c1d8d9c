"""The floor: statistics of coefficients that nobody learned."""

from benchmarks.systems.mfcc import MFCCTransformer
from benchmarks.systems.system import System


def official(options):
    """The same with all data."""
    return System("mfcc", "MFCC", make_encoder=MFCCTransformer, colour="#A89A1C")


in_world = official
