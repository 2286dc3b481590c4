# Candidate 641 of repeat 0 with its constants tuned; fitness 0.0322 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.8047664)
    update = sign(update)
    decay = w * 0.8402047
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.9523921)
    return update, m, v
