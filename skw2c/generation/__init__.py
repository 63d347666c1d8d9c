"""Generation: sounds in, images and videos out.

The networks that paint belong to ``models``.
"""
