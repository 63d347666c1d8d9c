"""The version, where whatever needs it can read it without loading anything else."""

__version__ = "0.1.0.dev0"
