"""Filters of protection's pages."""
