"""From the lowered network to JAX: local generator, ansatz, initial law."""
