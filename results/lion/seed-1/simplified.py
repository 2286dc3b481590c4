# Candidate 688 of repeat 5 with its constants tuned, simplified: 8 statements of 19 are left after 13 steps; no optimizer known here.
def train(w, g, m, v, lr):
    m = interp(g, m, 0.82)
    s = arccos(m)
    update = m / s
    update = sign(update)
    wd = min(w, 0.174)
    update = update + wd
    lr = lr * 0.0072
    update = update * lr
    return update, m, v
