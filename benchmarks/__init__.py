"""What the package can do and how fast it is: uses skw2c from outside, by its public API.

``python benchmarks/run_all.py`` makes the tables and figures of the papers, and
``python benchmarks/speed.py`` measures speed and memory. All other programs are run from the
folder above this one, by ``python -m benchmarks.ROOM.PROGRAM``.
"""
