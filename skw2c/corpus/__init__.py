"""Vectors of very many files, as a data set of Parquet files: planned, resumed, brought up to date.

The work on files is that of `transformers`; here it is divided into parts, for one process or for a
cluster.
"""
