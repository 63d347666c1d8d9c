"""Distillation: train an audio encoder on a teacher's vectors, from memory or from shards.

What all estimators that are trained on sound share is here too: their data, the record of a
run, model cards. The loop itself, which knows nothing but tensors, belongs to ``training``.
"""
