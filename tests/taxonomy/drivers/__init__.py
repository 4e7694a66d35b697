"""Failures provoked with the real libraries, against real or local servers, and what the taxonomy makes of them."""
