# Candidate 124 of repeat 0, simplified: 9 statements of 9 are left after 1 steps; recognised: adamw (beta1 0.67, beta2 0.7, decay 0.31, rate 1.9).
def train(w, g, m, v, lr):
    g2 = square(g)
    v = interp(g2, v, 0.7)
    update = sqrt(v)
    m = interp(g, m, 0.67)
    update = m / update
    decay = w * 0.31
    update = update + decay
    rate = lr * 1.9
    update = update * rate
    return update, m, v
