# Candidate 320 of repeat 0 with its constants tuned, simplified: 11 statements of 11 are left after 2 steps; no optimizer known here.
def train(w, g, m, v, lr):
    g2 = square(g)
    v = interp(g2, v, 0.61)
    x1 = v * lr
    x2 = sqrt(x1)
    update = interp(g, m, 0.58)
    update = update / x2
    decay = w * 3.4
    update = update + decay
    rate = lr * 0.19
    update = update * rate
    m = interp(g, m, 0.65)
    return update, m, v
