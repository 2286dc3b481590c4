# Candidate 1196 of repeat 0 with its constants tuned, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (rate 1, beta1 0.59, beta2 0.82, decay 0.4).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.59)
    update = sign(update)
    decay = w * 0.4
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.82)
    return update, m, v
