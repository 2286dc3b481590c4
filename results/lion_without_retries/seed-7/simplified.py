# Candidate 709 of repeat 0, simplified: 5 statements of 5 are left after 1 steps; recognised: signum (rate 1, beta1 0.6, decay 0.4).
def train(w, g, m, v, lr):
    m = interp(g, m, 0.6)
    update = sign(m)
    decay = w * 0.4
    update = update + decay
    update = update * lr
    return update, m, v
