# Candidate 770 of repeat 0, simplified: 6 statements of 6 are left after 1 steps; no optimizer known here.
def train(w, g, m, v, lr):
    update = abs(g)
    m = interp(g, m, 0.62)
    update = m / update
    update = interp(update, w, 0.37)
    update = sign(update)
    update = update * lr
    return update, m, v
