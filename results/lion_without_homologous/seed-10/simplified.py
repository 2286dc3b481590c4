# Candidate 961 of repeat 0 with its constants tuned, simplified: 6 statements of 6 are left after 1 steps; recognised: lion (decay 1, rate 1, beta1 0.7826, beta2 0.96).
def train(w, g, m, v, lr):
    x1 = m * 0.96
    m = x1 + g
    update = interp(g, m, 0.15)
    update = sign(update)
    update = update + w
    update = update * lr
    return update, m, v
