"""What turns a trained model's numbers into ones to trust: temperature and the unknown threshold."""
