# Candidate 1213 of repeat 0 with its constants tuned; fitness 0.0484 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.77026296)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.9403347)
    return update, m, v
