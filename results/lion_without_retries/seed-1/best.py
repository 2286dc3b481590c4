# Candidate 610 of repeat 0 with its constants tuned; fitness 0.0459 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7174262)
    update = sign(update)
    decay = w * 0.65288156
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.9257617)
    return update, m, v
