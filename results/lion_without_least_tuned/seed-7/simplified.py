# Candidate 809 of repeat 0, simplified: 6 statements of 6 are left after 2 steps; recognised: signum (beta1 0.65, decay 0.32, rate 0.88).
def train(w, g, m, v, lr):
    m = interp(g, m, 0.65)
    update = sign(m)
    decay = w * 0.32
    update = update + decay
    rate = lr * 0.88
    update = update * rate
    return update, m, v
