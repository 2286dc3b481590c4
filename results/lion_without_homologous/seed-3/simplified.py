# Candidate 1215 of repeat 0 with its constants tuned, simplified: 5 statements of 5 are left after 1 steps; recognised: lion (decay 1, rate 1, beta1 0.75, beta2 0.93).
def train(w, g, m, v, lr):
    update = interp(g, m, 0.75)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.93)
    return update, m, v
