# Candidate 1213 of repeat 0 with its constants tuned, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (rate 1, beta1 0.62, beta2 0.85, decay 0.45).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.62)
    update = sign(update)
    decay = w * 0.45
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.85)
    return update, m, v
