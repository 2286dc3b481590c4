# Candidate 1061 of repeat 0 with its constants tuned; fitness 0.0660 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.809679)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.9281877)
    return update, m, v
