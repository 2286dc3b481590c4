# Candidate 641 of repeat 0 with its constants tuned, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (rate 1, beta1 0.8, beta2 0.95, decay 0.84).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.8)
    update = sign(update)
    decay = w * 0.84
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.95)
    return update, m, v
