# Candidate 709 of repeat 0; fitness 0.1365 on seeds that the search did not use.
def train(w, g, m, v, lr):
    m = interp(g, m, 0.60954493)
    update = sign(m)
    decay = w * 0.40065214
    update = update + decay
    update = update * lr
    return update, m, v
