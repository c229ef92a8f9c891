"""Report content to PDF/A: plain data with a hash; the same data always gives the same bytes."""
