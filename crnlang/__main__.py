"""`python -m crnlang`: the command line."""

from crnlang.cli import main

main(prog_name="crnc")
