"""What training would see, as a page: ground truth, low-quality pictures, and the numbers of their recipes."""
