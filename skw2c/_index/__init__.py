"""What `AudioIndex` is made of: its content, its folder, its search, its queries."""
