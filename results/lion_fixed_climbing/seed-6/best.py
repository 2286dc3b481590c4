# Candidate 191 of repeat 0 with its constants tuned; fitness 0.1720 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.65607953)
    update = sign(update)
    rate = lr * 1.0164073
    update = update * rate
    m = interp(g, m, 0.91273516)
    return update, m, v
