"""How an index may be searched."""

METHODS = ("auto", "exact", "faiss", "disk")
