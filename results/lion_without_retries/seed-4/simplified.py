# Candidate 432 of repeat 0 with its constants tuned, simplified: 5 statements of 6 are left after 3 steps; recognised: lion (decay 1, rate 1, beta1 0.87, beta2 0.983).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.87)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.983)
    return update, m, v
