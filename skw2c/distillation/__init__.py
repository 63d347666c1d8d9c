"""Distillation: train an encoder of sound on a teacher's vectors, from memory or from shards.

Here stands what every trained estimator shares: its data, its record, its model card. The
loop itself, which knows tensors alone, belongs to ``training``.
"""
