"""Search: an index of the vectors of sounds, the folder it is saved in, and its neighbours.

Vectors come from ``transformers``; how good a search is, ``metrics`` says.
"""
