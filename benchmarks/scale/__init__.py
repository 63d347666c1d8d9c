"""Measurements of what is made for very many files: memory, files per second, what kills leave."""
