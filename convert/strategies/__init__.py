"""One file for each way to write a whole graph; `table.py` has them, best first."""
