"""The register of rooms: designation, signs, local rules, RPS, the design in force."""
