"""Validation: what estimators check about X before they work, each thing once.

Which items X holds (clips, images, videos, texts, captions), tables of vectors, columns and
containers, parameters that are rates or lengths of time, names of files. Nothing here opens a
file or knows a network.
"""
