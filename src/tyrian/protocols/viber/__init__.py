"""Viber: the REST Bot API and Viber Business Messages."""
