# Candidate 515 of repeat 0, simplified: 5 statements of 6 are left after 3 steps; recognised: lion (decay 1, rate 1, beta1 0.84, beta2 0.97).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.84)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.97)
    return update, m, v
