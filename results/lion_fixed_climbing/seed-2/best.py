# Candidate 889 of repeat 0 with its constants tuned; fitness 0.1033 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.77730495)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.89407945)
    return update, m, v
