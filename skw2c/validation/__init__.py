"""Validation: what all estimators check about X, texts, columns and containers.

Nothing here opens a file or knows a network.
"""
