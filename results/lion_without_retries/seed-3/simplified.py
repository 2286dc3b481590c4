# Candidate 1220 of repeat 0 with its constants tuned, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (rate 1, beta1 0.7, beta2 0.9, decay 0.65).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7)
    update = sign(update)
    decay = w * 0.65
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.9)
    return update, m, v
