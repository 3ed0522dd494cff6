"""The last part of every help text: commands that can be copied."""


def examples(*commands: str) -> str:
    """The `epilog` of a command, one line an example."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])
