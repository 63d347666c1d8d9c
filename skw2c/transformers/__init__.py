"""Transformers: clips, images, texts and videos in, vectors out; each over one frozen network.

An estimator here holds parameters, validation and names. Network code belongs to ``models``,
decoding to ``audio`` and ``images``; whatever needs two encoders belongs further up.
"""
