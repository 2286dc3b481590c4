# Candidate 1137 of repeat 0; fitness 0.0542 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.6627696)
    update = sign(update)
    decay = w * 0.6194348
    update = update + decay
    x1 = tanh(lr)
    update = update * x1
    m = interp(g, m, 0.87294596)
    return update, m, v
