"""Infobip, both ways: its Viber APIs as a face, and a channel that sends through it."""
