# Candidate 911 of repeat 0 with its constants tuned, simplified: 8 statements of 8 are left after 1 steps; no optimizer known here.
def train(w, g, m, v, lr):
    x1 = interp(g, m, 0.8)
    x2 = sign(x1)
    x3 = x2 + w
    update = sign(x3)
    update = x3 + update
    rate = lr * 0.42
    update = update * rate
    m = interp(g, m, 0.94)
    return update, m, v
