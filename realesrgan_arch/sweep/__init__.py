"""Two models blended in every share: what each share gives and takes, which one to use, and that one as a model."""
