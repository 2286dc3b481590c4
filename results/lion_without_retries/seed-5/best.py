# Candidate 1015 of repeat 0 with its constants tuned; fitness 0.1206 on seeds that the search did not use.
def train(w, g, m, v, lr):
    x1 = abs(m)
    update = interp(g, m, 0.69482446)
    update = update / x1
    update = interp(w, update, 0.6146438)
    update = sign(update)
    update = interp(w, update, 0.9783)
    update = update * lr
    m = interp(g, m, 0.80522466)
    return update, m, v
