"""The pieces pages are made of, as template tags and filters; see ``docs/web-components.md``."""
