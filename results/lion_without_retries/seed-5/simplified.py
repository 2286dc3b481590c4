# Candidate 1015 of repeat 0 with its constants tuned, simplified: 7 statements of 8 are left after 3 steps; no optimizer known here.
def train(w, g, m, v, lr):
    x1 = abs(m)
    update = interp(g, m, 0.72)
    update = update / x1
    update = interp(w, update, 0.44)
    update = sign(update)
    update = update * lr
    m = interp(g, m, 0.87)
    return update, m, v
