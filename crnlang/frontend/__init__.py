"""Text -> Network: tokens, statements, names, and what the words mean."""
