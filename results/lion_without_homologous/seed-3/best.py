# Candidate 1215 of repeat 0 with its constants tuned; fitness 0.0173 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7520603)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.9262798)
    return update, m, v
