"""The roof without a browser: command line, intake, screening, the example operation."""
