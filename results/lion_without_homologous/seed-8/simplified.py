# Candidate 1083 of repeat 0, simplified: 6 statements of 7 are left after 2 steps; recognised: lion (beta1 0.8, beta2 0.98, decay 1, rate 0.93).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.8)
    update = sign(update)
    update = update + w
    rate = lr * 0.93
    update = update * rate
    m = interp(g, m, 0.98)
    return update, m, v
