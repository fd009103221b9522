"""The screens: one thin page a file; shared pieces of drawing start with an underscore."""
