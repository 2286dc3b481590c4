# Candidate 320 of repeat 0 with its constants tuned; fitness 0.1209 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    v = interp(g2, v, 0.6354488)
    x1 = v * lr
    x2 = sqrt(x1)
    update = interp(g, m, 0.5824259)
    update = update / x2
    decay = w * 2.9725401
    update = update + decay
    rate = lr * 0.16538171
    update = update * rate
    m = interp(g, m, 0.6468539)
    return update, m, v
