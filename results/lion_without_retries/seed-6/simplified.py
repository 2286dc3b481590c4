# Candidate 1013 of repeat 0 with its constants tuned, simplified: 4 statements of 4 are left after 1 steps; resembles signum (rate 1, beta1 0.7); left over: lr * g in place of g.
def train(w, g, m, v, lr):
    x1 = g * lr
    m = interp(x1, m, 0.7)
    update = sign(m)
    update = update * lr
    return update, m, v
