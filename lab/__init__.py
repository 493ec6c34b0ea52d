"""Clarity Lab: one picture through many restoration methods, side by side."""
