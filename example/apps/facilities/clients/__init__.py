"""Clients of what lies outside: the payment gateway, the sensor hub, the mail server, mounted secrets."""
