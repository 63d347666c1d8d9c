"""How a cell of a table is computed and kept; knows no data set, system or task by name."""
