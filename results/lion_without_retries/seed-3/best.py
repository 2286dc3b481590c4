# Candidate 1220 of repeat 0 with its constants tuned; fitness 0.0536 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.693892)
    update = sign(update)
    decay = w * 0.65006334
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.8974349)
    return update, m, v
