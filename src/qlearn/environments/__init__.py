"""Finite models, the functional protocol, problems one a file, and adapters to other libraries."""
