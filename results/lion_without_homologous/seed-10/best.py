# Candidate 961 of repeat 0 with its constants tuned; fitness 0.0447 on seeds that the search did not use.
def train(w, g, m, v, lr):
    x1 = m * 0.96098036
    m = x1 + g
    update = interp(g, m, 0.15128005)
    update = sign(update)
    update = update + w
    update = update * lr
    return update, m, v
