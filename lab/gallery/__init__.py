"""The gallery: exact results of every method that were computed beforehand, for machines that cannot run networks.

`scenes.py` says which example with which degradation is in it, and reads it; `making.py` computes what is missing or has changed.
"""
