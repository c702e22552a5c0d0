"""The files of a host (`tree`), and those that are open (`opened`)."""
