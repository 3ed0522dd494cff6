"""Models of other formats to the network of this language, and back; never as text."""
