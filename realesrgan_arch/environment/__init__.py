"""What this machine and this installation can do, as plain facts; `commands/doctor.py` prints them."""
