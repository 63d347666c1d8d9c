"""The machine: files that appear whole, checksums, locks, prefetching, progress, extras.

Nothing here knows sounds, vectors or estimators.
"""
