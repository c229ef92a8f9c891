"""The one tag library every component registers in."""

from django.template import Library

register = Library()
