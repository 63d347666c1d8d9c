"""The listening page: a saved index served to a browser, to search, hear, map and sort its sounds.

Vectors and searches come from ``search``; nothing below this room knows of it.
"""
