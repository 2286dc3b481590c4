# Candidate 1217 of repeat 0; fitness 0.0938 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7633266)
    update = sign(update)
    update = update + w
    update = update * lr
    m = interp(g, m, 0.9476874)
    return update, m, v
