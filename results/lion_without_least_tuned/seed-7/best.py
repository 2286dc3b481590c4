# Candidate 809 of repeat 0; fitness 0.1244 on seeds that the search did not use.
def train(w, g, m, v, lr):
    m = interp(g, m, 0.68304926)
    update = sign(m)
    decay = w * 0.29182422
    update = update + decay
    rate = lr * 0.8754881
    update = update * rate
    return update, m, v
