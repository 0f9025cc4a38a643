"""Which layer to train: each candidate alone, with several seeds; can their difference be told from zero?"""
