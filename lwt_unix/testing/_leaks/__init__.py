"""What a test leaves behind (`leaks`), and where it was made (`noting`)."""
