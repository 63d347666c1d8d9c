"""The decoder that says in words what vectors hold, and its search for the best sentence."""
