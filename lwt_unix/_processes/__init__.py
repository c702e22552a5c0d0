"""What a process is told by the system: signals; and its child processes."""
