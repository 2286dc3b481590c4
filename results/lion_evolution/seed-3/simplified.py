# Candidate 1122 of repeat 5 with its constants tuned, simplified: 10 statements of 17 are left after 9 steps; no optimizer known here.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.74)
    v = interp(g2, v, 0.7)
    update = sqrt(v)
    update = m / update
    decay = w * 0.1127
    update = update + decay
    update = sin(update)
    rate = lr * 0.023
    update = update * rate
    return update, m, v
