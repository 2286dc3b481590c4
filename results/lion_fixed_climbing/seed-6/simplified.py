# Candidate 191 of repeat 0 with its constants tuned, simplified: 4 statements of 5 are left after 2 steps; recognised: lion (decay 0, rate 1, beta1 0.66, beta2 0.9).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.66)
    update = sign(update)
    update = update * lr
    m = interp(g, m, 0.9)
    return update, m, v
