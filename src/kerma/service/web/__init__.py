"""The face of Kerma: base templates, components, stylesheet and the little JavaScript there is."""
