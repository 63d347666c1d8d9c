"""The machine: files that appear whole, locks, threads that work ahead, progress, extras.

Nothing here knows sounds, vectors or estimators.
"""
