"""The variational engine: a law, its generator and time. It knows no text and no IR."""
