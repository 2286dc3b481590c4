# Candidate 2850 of repeat 4, simplified: 9 statements of 28 are left after 21 steps; recognised: adamw (beta1 0.5967, beta2 0.8368, decay 0.133, rate 0.02104).
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.59673)
    v = interp(g2, v, 0.8368)
    update = sqrt(v)
    update = m / update
    decay = w * 0.133
    update = update + decay
    rate = lr * 0.02104
    update = update * rate
    return update, m, v
