"""From Q table to Q network."""

__version__ = "0.1.0"
