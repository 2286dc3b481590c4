# Candidate 1013 of repeat 0 with its constants tuned; fitness 0.1761 on seeds that the search did not use.
def train(w, g, m, v, lr):
    x1 = g * lr
    m = interp(x1, m, 0.70651776)
    update = sign(m)
    update = update * lr
    return update, m, v
