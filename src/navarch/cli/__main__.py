"""`python -m navarch.cli` is `navarch`."""

from navarch.cli import main

main()
