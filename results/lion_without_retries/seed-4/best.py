# Candidate 432 of repeat 0 with its constants tuned; fitness 0.0589 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7471106)
    update = sign(update)
    update = update + w
    rate = lr * 0.93163323
    update = update * rate
    m = interp(g, m, 0.9136064)
    return update, m, v
