"""Clips and what is known of them: readers of the official data sets, and the generated world."""
