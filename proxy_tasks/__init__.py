"""How good is a program? Real data, small models, and the training loop that scores."""
