# Candidate 609 of repeat 0, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (rate 1, beta1 0.55, beta2 0.76, decay 0.29).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.55)
    update = sign(update)
    decay = w * 0.29
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.76)
    return update, m, v
