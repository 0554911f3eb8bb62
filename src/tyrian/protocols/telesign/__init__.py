"""Telesign Messaging, both ways: a face that answers as Telesign does, and a connector that sends through it."""
