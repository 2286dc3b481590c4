# Candidate 770 of repeat 0; fitness 0.1086 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = abs(g)
    m = interp(g, m, 0.62055)
    update = m / update
    update = interp(update, w, 0.37157506)
    update = sign(update)
    update = update * lr
    return update, m, v
