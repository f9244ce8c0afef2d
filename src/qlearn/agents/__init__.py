"""Descriptions and their learners: one file an algorithm."""
