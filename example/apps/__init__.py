"""The reference project's Django apps."""
