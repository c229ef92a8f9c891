"""What measurements share: regions, statistics, curves, fits; each module serves several rooms."""
