"""`python -m qlearn` is the command `qlearn`."""

from qlearn.cli import main

if __name__ == "__main__":
    main()
