"""Generation: sounds in, images and videos out.

The networks that generate images belong to ``models``.
"""
