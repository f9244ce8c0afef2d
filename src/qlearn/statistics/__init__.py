"""Numbers in, numbers out: of use to results from anywhere."""
