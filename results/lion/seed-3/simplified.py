# Candidate 1238 of repeat 5 with its constants tuned, simplified: 10 statements of 14 are left after 6 steps; no optimizer known here.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.7)
    v = interp(g2, v, 0.76)
    update = sqrt(v)
    update = m / update
    decay = w * 0.11
    update = update + decay
    update = sin(update)
    rate = lr * 0.021
    update = update * rate
    return update, m, v
