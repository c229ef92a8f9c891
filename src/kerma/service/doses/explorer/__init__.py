"""The explorer: doses filtered by anything, grouped, drawn, compared, and kept as views."""
