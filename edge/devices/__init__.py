"""What can be seen and heard from this machine: cameras, microphones, and who holds them."""
