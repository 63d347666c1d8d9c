"""Classifiers of sounds: by words, by AudioSet's classes, or trained on labels.

What trains here goes through ``distillation``; networks and losses belong to ``models``.
"""
