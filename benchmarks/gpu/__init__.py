"""The GPU: whether it gives the vectors that the CPU gives, and how fast it is.

Needs torch, NumPy, SciPy and scikit-learn alone.
"""
