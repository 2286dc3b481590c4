# Candidate 1169 of repeat 0; fitness 0.0612 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.72658885)
    update = sign(update)
    decay = w * 0.5308068
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.95628494)
    return update, m, v
