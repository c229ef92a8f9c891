"""Doses of many patients: the columnar copy, its questions, reference levels, names, statistics.

Plain tables in, plain tables out; nothing here knows the web, the database or a patient.
"""
