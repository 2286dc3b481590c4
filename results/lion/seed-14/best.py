# Candidate 1196 of repeat 0 with its constants tuned; fitness 0.0994 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.5881941)
    update = sign(update)
    decay = w * 0.40242437
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.82312685)
    return update, m, v
