# Candidate 899 of repeat 0 with its constants tuned, simplified: 11 statements of 12 are left after 2 steps; no optimizer known here.
def train(w, g, m, v, lr):
    x1 = sqrt(v)
    update = interp(g, m, 0.62)
    update = update / x1
    decay = w * 0.19
    update = update + decay
    update = clip(update, 3.1)
    rate = lr * 13.3
    update = update * rate
    m = interp(g, m, 0.84)
    g2 = square(g)
    v = interp(g2, v, 0.96)
    return update, m, v
