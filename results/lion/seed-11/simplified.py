# Candidate 834 of repeat 0 with its constants tuned, simplified: 7 statements of 7 are left after 1 steps; recognised: lion (beta1 0.77, beta2 0.94, decay 0.65, rate 0.9).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.77)
    update = sign(update)
    decay = w * 0.65
    update = update + decay
    rate = lr * 0.9
    update = update * rate
    m = interp(g, m, 0.94)
    return update, m, v
