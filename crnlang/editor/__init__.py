"""What an editor asks of a file: faults, meanings, completions, places, layout.

`server` speaks the Language Server Protocol; everything else is plain functions of an
`Analysis` and an offset in its text.
"""
