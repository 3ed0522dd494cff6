"""The intermediate representation: what every stage speaks and nothing else knows."""
