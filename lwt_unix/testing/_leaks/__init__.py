"""What a test leaves behind, and where it was made."""
