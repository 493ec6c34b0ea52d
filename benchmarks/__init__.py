"""Commands that measure the lab; run as `python benchmarks/NAME.py`."""
