# Candidate 914 of repeat 0 with its constants tuned; fitness 0.1698 on seeds that the search did not use.
def train(w, g, m, v, lr):
    m = interp(g, m, 0.67418313)
    update = sign(m)
    update = update * lr
    return update, m, v
