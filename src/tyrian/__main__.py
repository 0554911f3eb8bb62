"""`python -m tyrian`: the same as the command `tyrian`."""

from tyrian.cli import main

if __name__ == "__main__":
    main()
