"""The explorer: a data map and its rows as a page of its own, or as a widget in a notebook."""
