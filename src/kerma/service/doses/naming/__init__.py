"""Standard names of examinations: rules, suggestions, published versions."""
