"""Reading the files architects send: a picture of one page, and the straight lines on it.

`apart.read` is the only door. Nothing here knows Django: the readers run in a process of their own.
"""
