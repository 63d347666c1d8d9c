"""CLIP of open_clip, frozen: texts and images to vectors."""
