# Candidate 1213 of repeat 0 with its constants tuned; fitness 0.1111 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.6150521)
    update = sign(update)
    decay = w * 0.44855967
    update = update + decay
    update = update * lr
    m = interp(g, m, 0.84770864)
    return update, m, v
