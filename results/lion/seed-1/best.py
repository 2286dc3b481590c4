# Candidate 609 of repeat 0; fitness 0.0781 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.55435055)
    update = sign(update)
    decay = w * 0.2884187
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.7590721)
    return update, m, v
