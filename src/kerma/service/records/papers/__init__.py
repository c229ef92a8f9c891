"""Papers of every room: written, checked by a second person, approved by whoever is entitled.

A room composes the content (`compose`); the acts, the pages and the rules are here, once.
"""
