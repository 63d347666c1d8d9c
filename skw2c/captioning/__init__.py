"""Captions: sounds in, sentences out, learned from captions that people wrote.

The decoder itself belongs to ``models``, its training loop to ``training``.
"""
