# Candidate 181 of repeat 3, simplified: 9 statements of 15 are left after 7 steps; recognised: adamw (beta1 0.6, beta2 0.87, decay 0.1904, rate 0.018).
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.6)
    v = interp(g2, v, 0.87)
    update = sqrt(v)
    update = m / update
    decay = w * 0.1904
    update = update + decay
    rate = lr * 0.018
    update = update * rate
    return update, m, v
