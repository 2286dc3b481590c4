# Candidate 914 of repeat 0 with its constants tuned, simplified: 3 statements of 3 are left after 1 steps; recognised: signum (rate 1, beta1 0.67).
def train(w, g, m, v, lr):
    m = interp(g, m, 0.67)
    update = sign(m)
    update = update * lr
    return update, m, v
