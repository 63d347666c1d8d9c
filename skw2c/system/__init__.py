"""The machine: files that appear whole, locks, prefetching, progress, extras.

Nothing here knows sounds, vectors or estimators.
"""
