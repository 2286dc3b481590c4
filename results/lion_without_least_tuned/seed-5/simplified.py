# Candidate 1116 of repeat 0, simplified: 7 statements of 7 are left after 1 steps; no optimizer known here.
def train(w, g, m, v, lr):
    x1 = abs(g)
    update = interp(g, m, 0.63)
    update = update / x1
    update = interp(update, w, 0.39)
    update = sign(update)
    update = update * lr
    m = interp(g, m, 0.7)
    return update, m, v
