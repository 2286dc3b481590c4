# Candidate 1217 of repeat 0, simplified: 5 statements of 5 are left after 2 steps; recognised: lion (decay 1, rate 1, beta1 0.8, beta2 0.96).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.8)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.96)
    return update, m, v
