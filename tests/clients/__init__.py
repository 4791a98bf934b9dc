"""Clients that others wrote, which run in environments of their own and call the service."""
