"""The command line: tables in, maps, lists of suspect labels and reduced tables out."""
