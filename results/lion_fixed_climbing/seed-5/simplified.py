# Candidate 1137 of repeat 0, simplified: 6 statements of 7 are left after 2 steps; recognised: lion (rate 1, beta1 0.66, beta2 0.87, decay 0.62).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.66)
    update = sign(update)
    decay = w * 0.62
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.87)
    return update, m, v
