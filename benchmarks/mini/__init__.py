"""Small encoders that learn from YAMNet: how the one that the package carries was made.

Beside it stands one that learns from the few clips of ESC-10, by `distill_yamnet`.
"""
