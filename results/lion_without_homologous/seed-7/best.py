# Candidate 1152 of repeat 0; fitness 0.0660 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7967136)
    update = sign(update)
    decay = w * 0.8827121
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.95032316)
    return update, m, v
