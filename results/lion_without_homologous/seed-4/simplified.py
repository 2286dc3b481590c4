# Candidate 1169 of repeat 0, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (rate 1, beta1 0.73, beta2 0.96, decay 0.53).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.73)
    update = sign(update)
    decay = w * 0.53
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.96)
    return update, m, v
