"""What computes: one small interface, and a module for each runtime."""
