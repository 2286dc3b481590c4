# Candidate 1083 of repeat 0; fitness 0.1131 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7891881)
    update = sign(update)
    decay = w * 0.67938185
    update = update + decay
    rate = lr * 0.9258668
    update = update * rate
    m = interp(g, m, 0.97669095)
    return update, m, v
