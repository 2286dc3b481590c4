# Candidate 515 of repeat 0; fitness 0.0863 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.70747715)
    update = sign(update)
    decay = w * 0.383126
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.86212754)
    return update, m, v
